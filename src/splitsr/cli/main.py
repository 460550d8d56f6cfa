"""Entry point of `splitsr`: finds the subcommand, runs it, turns errors into one line."""

from __future__ import annotations

import importlib
import sys
import warnings
from contextlib import suppress

import click

from splitsr.cli.output import end, give_up, occupy_streams, printable, say
from splitsr.errors import ConfigError, SpecError, SplitSRError, UnknownModelError

# What these say of is in the call: no such model, a network or a run that cannot be.
BAD_CALLS = (ConfigError, SpecError, UnknownModelError)

# name -> one-line help. The module `splitsr.cli.<name>` holds the click command `command`; it is
# imported only when the subcommand is called, so that `splitsr --help` stays instant.
COMMANDS = {
    "upscale": "Enlarge images.",
    "zoom": "Serve the app that zooms into images.",
    "models": "List the models that ship with splitsr.",
    "info": "Show a network's parameters, multi-adds and layers.",
    "calibrate": "Decide how a light and a heavy network share images.",
    "evaluate": "Measure a model's PSNR and SSIM on a folder of images.",
    "export": "Convert a model for another runtime, and check it.",
    "bench": "Time networks on this machine.",
    "study": "Analyse a study of preference.",
    "data": "Make training packs.",
    "train": "Train a network from a configuration.",
    "ablate": "Train a grid of networks at one equal budget.",
    "tune": "Search for the best network within a budget.",
}


class LazyGroup(click.Group):
    """A command group that imports a subcommand's module when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names of the subcommands, in the order of `COMMANDS`."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Imports the module of `cmd_name` and returns its command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"splitsr.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Writes the list of subcommands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name]) for name in self.list_commands(ctx)])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="splitsr")
def cli() -> None:
    """Super-resolution that runs on the device."""


def main(group: click.Group = cli) -> None:
    """Runs the command line of a group.

    Exit codes: 0, everything asked for was done; 1, a job failed; 2, the call was wrong; 130,
    interrupted (143, by SIGTERM, where the work can go on).
    """
    occupy_streams()
    # Pillow warns of damaged EXIF, which is kept as it is: noise to whoever enlarges an image.
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    sys.exit(end(_run(group)))


def _run(group: click.Group) -> int:
    """Runs the command, says what was wrong in a line, and gives the exit code."""
    try:
        return group.main(standalone_mode=False) or 0
    except SystemExit as request:
        return int(request.code or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        with suppress(OSError):
            error.show()
        return error.exit_code
    except click.ClickException as error:
        vars(error)["message"] = printable(error.message)
        with suppress(OSError):
            error.show()
        return error.exit_code
    except SplitSRError as error:
        say(str(error))
        return 2 if isinstance(error, BAD_CALLS) else 1
    except (KeyboardInterrupt, click.Abort) as error:
        reason = error.__cause__ or error  # click makes an Abort of an interrupt
        say(str(reason) or "interrupted")
        return int(getattr(reason, "exit_code", 130))
    except OSError as error:
        if error.filename is not None:  # not of a stream
            raise
        give_up(sys.stdout)
        say(f"cannot be written: {error.strerror}")
        return 1

"""`splitsr zoom`: the web app, served or written as files."""

from __future__ import annotations

from pathlib import Path

import click

from splitsr.cli.options import FILE, BadCall, Whole
from splitsr.cli.output import say


@click.command()
@click.option(
    "--port",
    type=Whole(0, 65535),
    help="Port; 0 for any free one.  [default: 8017, or the next that is free]",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@click.option("--certificate", type=FILE, help="PEM file of a certificate, for HTTPS.")
@click.option("--key", type=FILE, help="PEM file of the certificate's private key.")
@click.option(
    "--export",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Write the app as plain files for any web server, and end.",
)
@click.option("--overwrite", is_flag=True, help="With --export: replace an earlier export.")
def command(
    port: int | None,
    host: str,
    open_browser: bool,
    certificate: Path | None,
    key: Path | None,
    folder: Path | None,
    overwrite: bool,
) -> None:
    """Serve ZoomSR, the app that zooms into photos in the browser.

    The models run in the browser: no photo leaves it. Ctrl-C ends the server.

    \b
    Examples:
      splitsr zoom --open
      splitsr zoom --export public/zoomsr
    """  # noqa: D301 (click reads the \b)
    if (certificate is None) != (key is None):
        raise BadCall("--certificate and --key: found one of them; give both, or none")
    if overwrite and folder is None:
        raise click.UsageError("--overwrite needs --export")
    if open_browser and folder is not None:
        raise click.UsageError("--open goes with serving the app; leave out --export")
    if folder is None:
        _serve(host, port, open_browser, certificate, key)
    else:
        _export(folder, overwrite)


def _serve(
    host: str, port: int | None, open_browser: bool, chain: Path | None, key: Path | None
) -> None:
    from splitsr.zoomsr.server import (
        Certificate,
        address_of,
        configure,
        listen,
        own_names,
        serve,
    )
    from splitsr.zoomsr.site import build_site

    site, listener = build_site(), listen(host, port)
    names = own_names(host, listener)
    config = configure(site, Certificate(chain, key) if chain and key else None, names)
    url = address_of(listener, secure=chain is not None)
    if names is None:
        say(f"--host {host}: whoever reaches {url} can use the app, not this machine alone")
    click.echo(f"ZoomSR: {url} (Ctrl-C ends it)")
    if open_browser:  # it may connect already: its request waits until the server takes it
        import webbrowser

        webbrowser.open(url)
    serve(config, listener)


def _export(folder: Path, overwrite: bool) -> None:
    from splitsr.zoomsr.export import export_site
    from splitsr.zoomsr.site import build_site

    site = build_site()
    size = export_site(site, folder, overwrite=overwrite)
    say(f"{folder}: {len(site)} files, {size / 1e6:.1f} MB")

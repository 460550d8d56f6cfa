"""`python -m splitsr` is `splitsr`."""

from splitsr.cli.main import main

if __name__ == "__main__":
    main()

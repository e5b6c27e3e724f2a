"""`python -m tuilab` is `tuilab`."""

from tuilab.cli.main import main

if __name__ == "__main__":
    main()

"""`python -m tuilab` is `tuilab`."""

from tuilab.cli import main

if __name__ == "__main__":
    main()

"""``python -m bayesdense`` is the command ``bayesdense``."""

from bayesdense.cli.main import main

if __name__ == "__main__":
    main()

"""``python -m cx_hub``: the ``cx`` command."""

from cx_hub.cli import main

if __name__ == "__main__":
    main()

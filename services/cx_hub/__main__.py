"""Run the ``cx`` command as ``python -m cx_hub``."""

from cx_hub.cli import main

if __name__ == "__main__":
    main()

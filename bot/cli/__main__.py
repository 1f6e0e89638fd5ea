"""`python -m bot.cli` is the `carapulse` command, wherever that is installed."""

from bot.cli.app import main

if __name__ == "__main__":
    main()

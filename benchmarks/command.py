"""``python -m benchmarks.command ...``: the command line of Parakeet on the made-up prices."""

from benchmarks.world import use

if __name__ == "__main__":
    use()
    from parakeet_dagster.cli import main

    main()

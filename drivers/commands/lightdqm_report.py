"""``radiograph lightdqm report``: placeholder until the run of the pipeline is here."""


def report() -> None:
    """Nothing yet."""

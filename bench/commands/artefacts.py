"""`artefacts`: measure something wrongly and rightly, and see by how much the wrong way is off."""

import json
from dataclasses import asdict

import click

from bench.artefacts import ARTEFACTS


@click.command(name="artefacts")
@click.option("--only", type=click.Choice([*ARTEFACTS]), multiple=True, help="Only this one. Repeatable.")
@click.option("--json", "as_json", is_flag=True, help="As data.")
def command(only: tuple[str, ...], *, as_json: bool) -> None:
    """Reproduce three ways in which published benchmarks fooled their authors."""
    found = {name: make() for name, make in ARTEFACTS.items() if not only or name in only}
    if as_json:
        print(json.dumps({name: {**asdict(one), "factor": one.factor} for name, one in found.items()}, indent=1))
        return
    for name, one in found.items():
        print(f"{name}: {one.what}")
        print(f"  wrong  {one.wrong:10.1f} {one.unit:3} {one.wrong_way}")
        print(f"  right  {one.right:10.1f} {one.unit:3} {one.right_way}")
        print(f"  off by a factor of {one.factor:.1f}. {one.lesson}\n")

"""What a seed decides: whose release it is, its versions and its size; pure."""

import random
from dataclasses import dataclass

_TEAMS = {"shop": ("web", "cart", "search"), "billing": ("invoices", "ledger"), "media": ("thumbs", "player")}
_REGISTRY = "registry.local"


@dataclass(frozen=True, slots=True)
class Case:
    """One Deployment, its neighbour, and the images of the story."""

    seed: int
    namespace: str
    name: str
    neighbour: str
    replicas: int
    running: str
    """Version that runs before anybody touches it."""
    announced: str
    """Version that the pipeline announced and never pushed."""
    mended: str
    """Version that exists."""

    def image(self, version: str) -> str:
        """Return the image of a version."""
        return f"{_REGISTRY}/{self.namespace}/{self.name}:{version}"


def draw(seed: int) -> Case:
    """Return the case of a seed."""
    rng = random.Random(seed)  # noqa: S311  # a story, not a secret
    namespace = rng.choice(sorted(_TEAMS))
    name, neighbour = rng.sample(_TEAMS[namespace], 2)
    major, minor, patch = rng.randint(1, 4), rng.randint(0, 20), rng.randint(0, 9)
    versions = [f"{major}.{minor}.{patch + i}" for i in range(3)]
    # On a node that runs nothing, the tag says how the pull ends: `missing…` is in no registry.
    return Case(seed, namespace, name, neighbour, rng.randint(2, 4), versions[0], f"missing-{versions[1]}", versions[2])

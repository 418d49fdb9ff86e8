"""Open an explainer for the command line: settings, catalog, policy in this process."""

import secrets
from pathlib import Path

from gateway.adapters.bundle import read_bundle
from gateway.adapters.policy_inprocess import InProcessEngine
from gateway.config import PrincipalSettings, Settings, load_settings
from gateway.core.principal import Principal
from gateway.core.redact import Redactor
from gateway.errors import ConfigFault
from gateway.parts import bundle_path, load_catalog, texts_of
from gateway.service.explain import Explainer

_SITE = Path(__file__).with_name("check_site.yaml")


def site_settings(config: Path | None) -> Settings:
    """Return the settings of a file, or those of the sample site; raises ConfigFault."""
    return load_settings(_SITE if config is None else config)


async def open_explainer(config: Path | None, bundle: Path | None, *, many: bool) -> Explainer:
    """Load everything that a decision needs; `many` spends start-up time on faster evaluation."""
    settings = site_settings(config)
    policy = InProcessEngine(bytecode=many)
    overlay = settings.policy.overlay if bundle is None else None
    await policy.load(read_bundle(bundle or bundle_path(settings.policy), overlay))
    return Explainer(
        policy=policy,
        settings=settings.service,
        catalog=load_catalog(settings),
        texts=texts_of(policy)(),
        # Nothing is kept, so the key need not be either; a fixed one would let placeholders be guessed.
        redactor=Redactor("check", secrets.token_bytes(32)),
        agent=_agent(settings),
    )


def _agent(settings: Settings) -> Principal:
    agents = [p for p in settings.principals if p.door == "agent"]
    if not agents:
        raise ConfigFault("CONFIG_NO_AGENT", "the settings name no principal of the door `agent` to decide for")
    found: PrincipalSettings = next((p for p in agents if p.default), agents[0])
    return Principal(found.id, found.owner, found.groups, "cli", "socket", found.model_tier)

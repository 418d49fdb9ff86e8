"""Write-once documents against the log: each is one that a leaf of its action names, each that is named is there.

Those of no action are named by leaves of no action: what clusters served.
"""

from collections.abc import Iterable, Iterator

from gateway.core.auditfold import LogFold, Violation
from gateway.core.canonical import digest_bytes


def check_documents(log: LogFold, documents: Iterable[tuple[str, str, bytes]]) -> Iterator[Violation]:
    """Yield what is wrong with (action, kind, bytes) documents; a body that is a document itself names it."""
    there: set[tuple[str, str]] = set()
    facts = {"": log.facts} | {action: told.facts for action, told in log.actions.items()}
    for action, kind, data in documents:
        digest = digest_bytes(data)
        there.add((action, digest))
        if not any(digest in {f.digest, *f.documents} for f in facts.get(action, ())):
            yield Violation(-1, action, "DOCUMENT_DIFFERS", f"no leaf of the action names `{kind}` as it is stored")
    for action, told in facts.items():
        for fact in told:
            for digest in fact.documents:
                if (action, digest) not in there:
                    there.add((action, digest))
                    detail = f"the document {digest} of this {fact.kind.name.lower()} is not stored"
                    yield Violation(fact.index, action, "DOCUMENT_MISSING", detail)

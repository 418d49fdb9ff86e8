"""Generate the protobuf and gRPC code beside the .proto files; `--check` fails when it is stale."""

import filecmp
import sys
import tempfile
from pathlib import Path

import grpc_tools
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent / "proto"
# google/protobuf/any.proto and its kin.
WELL_KNOWN = Path(grpc_tools.__file__).parent / "_proto"


def generate(out: Path) -> None:
    """Write the generated modules below `out`, in the folders of the proto packages."""
    protos = sorted(str(p.relative_to(ROOT)) for p in ROOT.glob("countermand/**/*.proto"))
    includes = [f"-I{ROOT}", f"-I{WELL_KNOWN}"]
    outputs = [f"--python_out={out}", f"--pyi_out={out}", f"--grpc_python_out={out}"]
    if protoc.main(["protoc", *includes, *outputs, *protos]) != 0:
        raise SystemExit("protoc failed")


def stale(out: Path) -> list[str]:
    """Return the generated files that differ from the committed ones."""
    names = sorted(str(p.relative_to(out)) for p in out.rglob("*.py*"))
    return [n for n in names if not (ROOT / n).exists() or not filecmp.cmp(out / n, ROOT / n, shallow=False)]


def main() -> int:
    """Generate in place, or compare with `--check`."""
    if "--check" not in sys.argv[1:]:
        generate(ROOT)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder))
        different = stale(Path(folder))
    for name in different:
        print(f"stale: proto/{name}; run `make proto`", file=sys.stderr)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

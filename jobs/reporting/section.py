"""A section of the report: what it reads, its charts, its CSV tables, its template.

To add one, write `jobs/reporting/sections/<name>.py` with a constant `SECTION`, and `templates/<name>.html.j2`, whose
outer element is `<section id="<name>">`. Nothing else names it.
"""

import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from pyspark.sql import SparkSession

from conf.schema import Service
from jobs.data_folder import DataFolder
from jobs.reporting import sections
from jobs.reporting.contents import Contents

Rows = list[tuple[Any, ...]]
Sheet = tuple[Sequence[str], Rows]  # header and rows of a CSV table


@dataclass(frozen=True)
class Page:
    """What the page is made of.

    own: by name of the section, what its `read` gave.
    """

    service: Service
    contents: Contents
    own: dict[str, Any]


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        title: in the navigation; `{do}` stands for what the page counts, such as `buy again`.
        order: sections stand on the page by rising order.
        read: reads what only this section shows; its template has it as `own.<name>`.
        figures: its charts as SVG, by name; the template places each with the macro `figure`.
        sheets: its tables in `report/csv/`, by name.
        is_shown: whether the page has the section at all.
    """

    title: str
    order: int
    read: Callable[[DataFolder, Service, SparkSession], Any] = lambda data, service, spark: None
    figures: Callable[[Page], dict[str, str]] = lambda page: {}
    sheets: Callable[[Page], dict[str, Sheet]] = lambda page: {}
    is_shown: Callable[[Page], bool] = lambda page: True


def all_sections() -> dict[str, Section]:
    """Every section by name, in the order of the page."""
    names = [module.name for module in pkgutil.iter_modules(sections.__path__)]
    found: dict[str, Section] = {name: import_module(f"{sections.__name__}.{name}").SECTION for name in names}
    return dict(sorted(found.items(), key=lambda item: item[1].order))

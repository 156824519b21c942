"""Folders that tests report, and pages that many tests read; a page is rendered once in a test run."""

from collections.abc import Callable
from pathlib import Path

import pytest

from jobs.engine import engine
from tests.support.engines import SMALL
from tests.support.made_once import made_once
from tests.support.page import page_of
from tests.support.report_folder import ReportFolder


@pytest.fixture
def folder(tmp_path: Path) -> ReportFolder:
    """A data folder with all layers, of the test's own, to be changed before it is reported."""
    return ReportFolder(tmp_path / "data").with_everything()


@pytest.fixture
def bare(tmp_path: Path) -> ReportFolder:
    """A data folder of the test's own, in which titles are recommended and nothing else is done."""
    return ReportFolder(tmp_path / "data").with_recommender().with_recommendations()


@pytest.fixture
def recommended(folder: ReportFolder) -> ReportFolder:
    """A data folder with all layers, of the test's own, in which titles are recommended."""
    return folder.with_recommender().with_recommendations().with_contacts()


# ---- reported once ----


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> ReportFolder:
    """All layers."""
    return _reported(tmp_path_factory, "reported", lambda folder: folder)


@pytest.fixture(scope="session")
def flagged(tmp_path_factory: pytest.TempPathFactory) -> ReportFolder:
    """last_spending is flagged by the leakage audit."""
    return _reported(tmp_path_factory, "flagged", lambda folder: folder.with_flagged())


@pytest.fixture(scope="session")
def networked(tmp_path_factory: pytest.TempPathFactory) -> ReportFolder:
    """A network stands beside the other models, and a feature drifted above a limit."""
    return _reported(tmp_path_factory, "networked", lambda folder: folder.with_network().with_drift("psi"))


@pytest.fixture(scope="session")
def titled(tmp_path_factory: pytest.TempPathFactory) -> ReportFolder:
    """Titles are recommended."""
    return _reported(
        tmp_path_factory, "titled", lambda folder: folder.with_recommender().with_recommendations().with_contacts()
    )


@pytest.fixture(scope="session")
def page(reported: ReportFolder) -> str:
    """The page of all layers."""
    return _page(reported)


@pytest.fixture(scope="session")
def flagged_page(flagged: ReportFolder) -> str:
    """The page with a flagged feature."""
    return _page(flagged)


@pytest.fixture(scope="session")
def networked_page(networked: ReportFolder) -> str:
    """The page with a network."""
    return _page(networked)


@pytest.fixture(scope="session")
def titled_page(titled: ReportFolder) -> str:
    """The page with recommended titles."""
    return _page(titled)


def _reported(
    factory: pytest.TempPathFactory, name: str, change: Callable[[ReportFolder], ReportFolder]
) -> ReportFolder:
    """A folder with all layers and with this change, reported."""

    def make(data: Path) -> None:
        folder = change(ReportFolder(data).with_everything())
        with engine("sail", SMALL) as session:
            page_of(folder, session)

    return ReportFolder(made_once(factory, name, make))


def _page(folder: ReportFolder) -> str:
    return (folder.data.report / "index.html").read_text(encoding="utf-8")

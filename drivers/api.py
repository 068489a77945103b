"""A pipeline from Python: settings in, an object to ask for nodes out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..schemas.errors import UsageError
from .config import LoadedConfig, load_config
from .dag import Dag, Species, pipeline_dag
from .dag_record import NodeOutcome, with_outcomes
from .dag_svg import svg_text
from .explanations import Explanation, explanation
from .graph import build_driver, resolved_targets
from .protocols import Session
from .registry import DEFAULT, definition

if TYPE_CHECKING:
    import pandas as pd


def pipeline(
    name: str = DEFAULT,
    config: str | Path | LoadedConfig | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Analysis:
    """A pipeline with its settings.

    Parameters
    ----------
    name
        Which pipeline; registry.names() lists them.
    config
        A TOML file, or what load_config() made of one. Without one the graph can be looked at
        but not run.
    overrides
        Dotted key and value of settings that are other than in the TOML file, e.g.
        ``{"cuts.thresholds.lo_trkqual": 0.5}``; files among them are relative to the working
        folder. A value None leaves the setting as it is.

    Raises
    ------
    ConfigError
        With every problem of the settings.
    UsageError
        For a file of another pipeline, or overrides without a TOML file that they change.
    """
    wanted = definition(name)
    if overrides and not isinstance(config, str | Path):
        msg = "overrides change the settings of a TOML file; give pipeline() the path of one"
        raise UsageError(msg, key=next(iter(overrides)))
    if config is None:
        with resources.as_file(resources.files("radiograph.configs") / wanted.example) as example:
            return Analysis(name, load_config(example), can_run=False)
    loaded = (
        config
        if isinstance(config, LoadedConfig)
        else load_config(Path(config), settings=overrides)
    )
    found = loaded.config.pipeline.name
    if found != name:
        msg = f"{loaded.path}: is a file of the pipeline {found}, not of {name}"
        raise UsageError(msg, file=loaded.path, key="pipeline.name")
    return Analysis(name, loaded)


@dataclass(frozen=True)
class GraphPicture:
    """The picture of a graph; in a notebook it shows itself."""

    dag: Dag
    svg: str

    def _repr_svg_(self) -> str:
        return self.svg


class Analysis:
    """A pipeline with its settings: ask it for nodes by name."""

    def __init__(self, name: str, loaded: LoadedConfig, *, can_run: bool = True) -> None:
        self.name = name
        self.loaded = loaded
        self._can_run = can_run
        self._pipeline = definition(name)
        self._driver = build_driver(self._pipeline, self._pipeline.choices_of(loaded.config))

    def run(self, targets: str | Iterable[str]) -> dict[str, Any]:
        """The values of some nodes for the input file of the settings, by the names given.

        Only what they need and the cache does not know is computed; no file is written.
        """
        names = [targets] if isinstance(targets, str) else list(targets)
        resolved = resolved_targets(self._driver, names, self._pipeline.aliases)
        self._pipeline.check_targets(self._driver, resolved, self.loaded.config)
        values = self._session().run(resolved)
        aliases = self._pipeline.aliases
        return {name: values[aliases.get(name, name)] for name in names}

    def nodes(self) -> pd.DataFrame:
        """The quantities of the graph, one row each, in order of the stages."""
        import pandas as pd

        dag = self._dag(everything=True)
        rows = [
            {
                "node": node.name,
                "stage": node.stage,
                "unit": node.unit,
                "schema": node.schema,
                "needs": ", ".join(a for a, b in dag.edges if b == node.name),
                "settings": ", ".join(node.settings),
                "what": node.summary,
            }
            for node in dag.nodes
            if not node.is_file
        ]
        return pd.DataFrame(rows).set_index("node")

    def explain(self, node: str) -> Explanation:
        """What a node is, what it needs and what needs it."""
        return explanation(self._driver, self._pipeline, node, self._species_on())

    def graph(
        self,
        *,
        everything: bool = False,
        targets: Iterable[str] = (),
        species: Species | None = None,
        outcomes: Mapping[str, NodeOutcome] | None = None,
        subtitle: str = "",
    ) -> GraphPicture:
        """The picture of the graph: the main quantities, or everything that is no helper.

        ``species`` is whose nodes are drawn; by default those that are on. ``outcomes`` are what
        became of each node in a run, and ``subtitle`` says in which.
        """
        dag = self._dag(everything=everything, targets=targets, species=species)
        dag = dag if outcomes is None else with_outcomes(dag, outcomes)
        title = f"radiograph: the {self.name} pipeline"
        return GraphPicture(dag, svg_text(dag, title, subtitle))

    def _dag(
        self,
        *,
        everything: bool,
        targets: Iterable[str] = (),
        species: Species | None = None,
    ) -> Dag:
        return pipeline_dag(
            self._driver,
            self._pipeline,
            everything=everything,
            targets=targets,
            species=species or self._species_on(),
        )

    def _species_on(self) -> Species:
        choices = self._pipeline.choices_of(self.loaded.config)
        neutrons, gammas = choices.get("neutrons"), choices.get("gammas")
        if neutrons == gammas:
            return "both"
        return "neutron" if neutrons else "gamma"

    def _session(self) -> Session:
        from .cache.opening import cache_options

        if not self._can_run:
            msg = "this pipeline has no settings of yours; give pipeline() a TOML file"
            raise UsageError(msg)
        found: Session = self._pipeline.session(self.loaded, cache_options(self.loaded))
        return found

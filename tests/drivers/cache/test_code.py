"""Code versions: what Python allows to hide code in, found or refused.

A case is the text of a module in which ``«before|after»`` marks an edit; the version of its
function ``node`` must change. Edits in whole runs: test_edits.py.
"""

from __future__ import annotations

import ast
import cProfile
import dis
import importlib
import itertools
import re
import sys
import textwrap
import types
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import radiograph.nodes
import radiograph.nodes.imaging.images
from radiograph.drivers.cache.code import CodeVersions, UnresolvedCodeError, version_of
from radiograph.drivers.cache.forms import checking_names, classes_in, functions_of, is_generated
from radiograph.drivers.cache.opening import PACKAGES, WITHOUT_VERSION
from radiograph.drivers.graph import build_driver, graph_nodes
from radiograph.drivers.imaging.simulation import simulation_pipeline
from radiograph.drivers.registry import definition
from radiograph.nodes import reused_pages

Load = Callable[..., Any]


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    """Imports texts as modules of a package ``ours``; each time anew, from another folder."""
    count = itertools.count()

    def forget() -> None:
        for name in [n for n in sys.modules if n.split(".")[0] == "ours"]:
            del sys.modules[name]
        checking_names.cache_clear()

    def loaded(nodes: str, **others: str) -> Any:
        forget()
        folder = tmp_path / str(next(count))
        folder.mkdir()
        for name, text in {"nodes": nodes, **others}.items():
            path = folder / f"{name}.py"
            path.parent.mkdir(exist_ok=True)
            path.write_text(textwrap.dedent(text))
        package = types.ModuleType("ours")
        package.__path__ = [str(folder)]
        sys.modules["ours"] = package
        return importlib.import_module("ours.nodes")

    yield loaded
    forget()


def parts_of(module: Any, node: str = "node", **options: Any) -> Any:
    return CodeVersions(("ours",), **options).parts(getattr(module, node))


_EDIT = re.compile("«(.*?)\\|(.*?)»", re.S)


def both(text: str) -> tuple[str, str]:
    return _EDIT.sub(r"\1", text), _EDIT.sub(r"\2", text)


SEEN = {
    # --- numbers and tables
    "private constant": "_A = «1|2»\ndef node(x): return x + _A",
    "type of a constant": "A = «1|1.0»\ndef node(x): return x + A",
    "true for one": "def node(x): return x == «1|True»",
    "type in a tuple": "def node(x): return x in «(1, 2)|(1, 2.0)»",
    "negative zero": "A = «0.0|-0.0»\ndef node(x): return x * A",
    "array": "import numpy as np\nA = np.array([1, «2|3»])\ndef node(x): return x * A",
    "dtype": "import numpy as np\nA = np.arange(2, dtype='«i4|i8»')\ndef node(x): return x * A",
    "frame": "import pandas as pd\nA = pd.DataFrame({'«a|b»': [1]})\ndef node(x): return A",
    "pattern": "import re\nA = re.compile('«a|b»')\ndef node(x): return A.match(x)",
    "order of a dict": "A = {«1: 2, 3: 4|3: 4, 1: 2»}\ndef node(x): return list(A)",
    "deep table": "A = {'a': [({'b': («1|2»,)},)]}\ndef node(x): return A",
    "default dict": "from collections import defaultdict\nA = defaultdict(«int|float»)\n"
    "def node(x): return A[x]",
    # --- objects of libraries
    "which ufunc": "import numpy as np\nF = np.«sin|cos»\ndef node(x): return F(x)",
    "which builtin": "import math\nF = math.«sqrt|exp»\ndef node(x): return F(x)",
    "which import": "from math import «sqrt|exp» as f\ndef node(x): return f(x)",
    "which function of numpy": "from numpy import «mean|median» as f\ndef node(x): return f(x)",
    "which foreign function": "from textwrap import «dedent|wrap» as f\ndef node(x): return f(x)",
    "which class": "from collections import «Counter|deque» as f\ndef node(x): return f(x)",
    "which module": "import «math|cmath» as m\ndef node(x): return m.sqrt(x)",
    "in a table": "import numpy as np\nF = {'a': np.«sin|cos»}\ndef node(x): return F['a'](x)",
    "item getter": "import operator\nF = operator.itemgetter(«0|1»)\ndef node(x): return F(x)",
    "time span": "from datetime import timedelta\nA = timedelta(«1|2»)\ndef node(x): return x + A",
    "fraction": "from fractions import Fraction\nA = Fraction(1, «2|3»)\ndef node(x): return x + A",
    "queue": "from collections import deque\nA = deque([1, «2|3»])\ndef node(x): return A[0]",
    "categories": "import pandas as pd\nA = pd.CategoricalDtype(['a', '«b|c»'])\n"
    "def node(x): return x.astype(A)",
    "name space": "from types import SimpleNamespace\nA = SimpleNamespace(b=«1|2»)\n"
    "def node(x): return A.b",
    "random generator": "import numpy as np\nA = np.random.default_rng(«1|2»)\n"
    "def node(x): return A.random()",
    "bound method": "F = {'a': «1|2»}.get\ndef node(x): return F(x)",
    "text template": "from string import Template\nA = Template('«a|b»')\ndef node(x): return A",
    # --- functions that share a name
    "lambdas of a table": "A = {'a': lambda v: v + «1|2», 'b': lambda v: v}\n"
    "def node(x): return A['a'](x)",
    "lambdas exchanged": "A = {'a': lambda v: v + «1|2», 'b': lambda v: v + «2|1»}\n"
    "def node(x): return A['a'](x)",
    "lambdas as globals": "F = lambda v: v + «1|2»\nG = lambda v: v + «2|1»\n"
    "def node(x): return F(x) - G(x)",
    "three lambdas": "A = [lambda v: v, lambda v: «1|2», lambda v: «2|1»]\ndef node(x): return A",
    "closures exchanged": """
        def make(k):
            def inner(v): return v + k
            return inner
        A = {'a': make(«1|2»), 'b': make(«2|1»)}
        def node(x): return A['a'](x)""",
    "decorated exchanged": """
        def decorate(f):
            def inner(v): return f(v)
            return inner
        def f(v): return v
        def g(v): return -v
        a, b = decorate(«f|g»), decorate(«g|f»)
        def node(x): return a(x) + 2 * b(x)""",
    "lambdas in a class": """
        class A:
            f = lambda v: «1|2»
            g = lambda v: «2|1»
        def node(x): return A.f(x) - A.g(x)""",
    "dispatch exchanged": """
        from functools import singledispatch
        @singledispatch
        def f(v): return 0
        @f.register
        def _(v: int): return «1|2»
        @f.register
        def _(v: float): return «2|1»
        def node(x): return f(x)""",
    "type of a dispatch": """
        from functools import singledispatch
        @singledispatch
        def f(v): return 0
        @f.register(«int|str»)
        def _(v): return 1
        def node(x): return f(x)""",
    "names exchanged": "from ours.helpers import «a|b» as f, «b|a» as g\n"
    "def node(x): return f(x) - g(x)",
    "modules exchanged": "from ours import «helpers|others» as f, «others|helpers» as g\n"
    "def node(x): return f.a(x) - g.a(x)",
    "exchanged inside": "def node(x):\n    from ours.helpers import «a|b» as f, «b|a» as g\n"
    "    return f(x) - g(x)",
    # --- nested containers
    "function in a list in a dict": "def f(v): return «1|2»\nA = {'a': [(f,)]}\n"
    "def node(x): return A['a'][0][0](x)",
    "function in a set": "def f(v): return «1|2»\nA = {f}\ndef node(x): return [g(x) for g in A]",
    "function in a named tuple": """
        from typing import NamedTuple
        class Reader(NamedTuple):
            read: object
        def f(v): return «1|2»
        A = {'a': Reader(f)}
        def node(x): return A['a'].read(x)""",
    "method of a named tuple": """
        from typing import NamedTuple
        class Pair(NamedTuple):
            a: int
            def total(self): return self.a + «1|2»
        A = Pair(1)
        def node(x): return A.total()""",
    "function in a dataclass": """
        from dataclasses import dataclass
        @dataclass(frozen=True)
        class Reader:
            read: object
        def f(v): return «1|2»
        A = {'a': Reader(f)}
        def node(x): return A['a'].read(x)""",
    "module in a table": "from ours import helpers, others\nA = {'a': «helpers|others»}\n"
    "def node(x): return A['a'].a(x)",
    "partial in a partial": "from functools import partial\ndef f(a, b, c): return a\n"
    "F = partial(partial(f, «1|2»), 3)\ndef node(x): return F(x)",
    "attribute of a function": "def f(v): return v\nf.limit = «1|2»\ndef node(x): return f.limit",
    # --- classes
    "private class constant": """
        class A:
            _limit = «1|2»
            def f(self): return self._limit
        def node(x): return A().f()""",
    "property": """
        class A:
            @property
            def f(self): return «1|2»
        def node(x: A): return x.f""",
    "cached property": """
        from functools import cached_property
        class A:
            @cached_property
            def f(self): return «1|2»
        def node(x: A): return x.f""",
    "class method": """
        class A:
            @classmethod
            def f(cls): return «1|2»
        def node(x): return A.f()""",
    "static method": """
        class A:
            @staticmethod
            def f(v): return «1|2»
        def node(x): return A.f(x)""",
    "kind of a method": """
        class A:
            @«staticmethod|classmethod»
            def f(v): return v
        def node(x): return A.f""",
    "static kernel": """
        from numba import njit
        class A:
            @staticmethod
            @njit
            def f(v): return v + «1|2»
        def node(x): return A.f(x)""",
    "special method": """
        class A:
            def __call__(self, v): return «1|2»
        def node(x: A): return x(1)""",
    "inherited method": """
        class Base:
            def f(self): return «1|2»
        class A(Base):
            pass
        def node(x: A): return x.f()""",
    "inherited from another module": "from ours.helpers import Base\nclass A(Base): pass\n"
    "def node(x: A): return x.f() + «1|2»",
    "which base": """
        class One:
            def f(self): return 1
        class Two:
            def f(self): return 2
        class A(«One|Two»): pass
        def node(x: A): return x.f()""",
    "class of a field": """
        from dataclasses import dataclass
        @dataclass
        class Inner:
            a: int
            def f(self): return «1|2»
        @dataclass
        class Outer:
            inner: list[Inner]
        def node(x: Outer): return x.inner[0].f()""",
    "class of a model's field": """
        from pydantic import BaseModel
        class Inner(BaseModel):
            a: int = 1
            def f(self): return «1|2»
        class Outer(BaseModel):
            inner: dict[str, Inner | None] = {}
        def node(x: Outer): return x.inner['a'].f()""",
    "class constant of a model": """
        from typing import ClassVar
        from pydantic import BaseModel
        class A(BaseModel):
            LIMIT: ClassVar[int] = «1|2»
            def f(self): return self.LIMIT
        def node(x: A): return x.f()""",
    "default of a field": """
        from dataclasses import dataclass
        @dataclass(slots=True)
        class A:
            a: int = «1|2»
        def node(x): return A().a""",
    "factory of a field": """
        from dataclasses import dataclass, field
        @dataclass
        class A:
            a: list = field(default_factory=lambda: [«1|2»])
        def node(x): return A().a""",
    "factory of a model's field": """
        from pydantic import BaseModel, Field
        class A(BaseModel):
            a: list = Field(default_factory=lambda: [«1|2»])
        def node(x): return A().a""",
    "validator of a model": """
        from pydantic import BaseModel, field_validator
        class A(BaseModel):
            a: int
            @field_validator('a')
            @classmethod
            def twice(cls, v): return v * «2|3»
        def node(x): return A(a=x).a""",
    "after construction": """
        from dataclasses import dataclass
        @dataclass
        class A:
            a: int
            def __post_init__(self): self.a += «1|2»
        def node(x): return A(x).a""",
    # --- enums
    "value of a member": "import enum\nclass A(enum.Enum):\n    B = «1|2»\n"
    "def node(x): return A.B.value",
    "new member": "import enum\nclass A(enum.Enum):\n    B = 1\n    «pass|C = 2»\n"
    "def node(x): return len(A)",
    "method of an enum": """
        import enum
        class A(enum.Enum):
            B = 1
            def f(self): return «1|2»
        def node(x: A): return x.f()""",
    "which member": "import enum\nclass A(enum.Enum):\n    B = 1\n    C = 2\nD = A.«B|C»\n"
    "def node(x): return D",
    "member in a table": "import enum\nclass A(enum.Enum):\n    B = 1\n    C = 2\n"
    "D = {A.«B|C»: 1}\ndef node(x): return D[x]",
    # --- kernels
    "fastmath": "from numba import njit\n@njit«|(fastmath=True)»\ndef k(v): return v\n"
    "def node(x): return k(x)",
    "option of a kernel": "from numba import njit\n@njit(error_model='«python|numpy»')\n"
    "def k(v): return 1 / v\ndef node(x): return k(x)",
    "parallel": "from numba import njit\n@njit(parallel=«True|False»)\ndef k(v): return v\n"
    "def node(x): return k(x)",
    "signature": "from numba import vectorize\n@vectorize(['f«8|4»(f«8|4»)'])\n"
    "def k(v): return v + 1\ndef node(x): return k(x)",
    "generalised": """
        from numba import guvectorize
        @guvectorize(['(f8[:], f8[:])'], '(n)->(n)')
        def k(v, out): out[0] = v[0] + «1|2»
        def node(x): return k(x)""",
    "array of a kernel": "import numpy as np\nfrom numba import njit\nA = np.array([«1.0|2.0»])\n"
    "@njit\ndef k(v): return v + A[0]\ndef node(x): return k(x)",
    "kernels exchanged": """
        from numba import njit
        def make(k):
            @njit
            def inner(v): return v + k
            return inner
        A = (make(«1|2»), make(«2|1»))
        def node(x): return A[0](x)""",
    # --- how arguments are taken and given
    "keywords exchanged": "def f(a, b): return a - b\ndef node(x): return f(«a|b»=1, «b|a»=x)",
    "keywords of a class exchanged": "def node(x):\n"
    "    class A(object, «a|b»=1, «b|a»=x): pass\n    return A",
    "tuple or dict given": "def node(x): return max(«*|**»x)",
    "tuple or dict taken": "def f(«*|**»a): return a\ndef node(x): return f",
    "keyword only": "def f(a, «|*, »b): return a\ndef node(x): return f(x, b=1)",
    "position only": "def f(a, «|/, »b): return a\ndef node(x): return f(x, b=1)",
    "generator": "def node(x):\n    return «[v for v in x]|(v for v in x)»",
    "keyword of a partial": "from functools import partial\ndef f(a, b): return a\n"
    "F = partial(f, b=«1|2»)\ndef node(x): return F(x)",
    "name of a partial's keyword": "from functools import partial\ndef f(a, b): return a\n"
    "F = partial(f, «a|b»=1)\ndef node(x): return F(x)",
    "conversion in a text": "def node(x): return f'{x!«r|s»}'",
    # --- where a line belongs
    "last line of an if": "def node(x):\n    if x:\n        x += 1\n    «    |»x += 2\n"
    "    return x",
    "last line of a loop": "def node(x):\n    for i in x:\n        i += 1\n    «    |»x += i\n"
    "    return x",
    "guarded or else": "def node(x):\n    try:\n        x()\n«        x = 1\n|»"
    "    except ValueError:\n        x = 2\n«|    else:\n        x = 1\n»    return x",
    # --- what a class statement says
    "field compared": "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
    "    a: int = field(compare=«True|False»)\ndef node(x): return A(x)",
    "field of the initialiser": "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
    "    a: int = field(default=1, init=«True|False»)\ndef node(x): return A()",
    "field shown": "from dataclasses import dataclass, field\n@dataclass\nclass A:\n"
    "    a: int = field(repr=«True|False»)\ndef node(x): return repr(A(x))",
    "field hashed": "from dataclasses import dataclass, field\n@dataclass(frozen=True)\nclass A:\n"
    "    a: int = field(hash=«True|False»)\ndef node(x): return hash(A(x))",
    "note of a field": "from dataclasses import dataclass, field, fields\n@dataclass\nclass A:\n"
    "    a: int = field(metadata={'unit': '«a|b»'})\ndef node(x): return fields(A)",
    "fields by keyword": "from dataclasses import dataclass\n@dataclass«|(kw_only=True)»\n"
    "class A:\n    a: int\ndef node(x): return A(a=x)",
    "order of arguments of the initialiser": "from dataclasses import InitVar, dataclass\n"
    "@dataclass\nclass A:\n    «a|b»: InitVar[int]\n    «b|a»: InitVar[int]\n"
    "    def __post_init__(self, a, b): self.c = a - b\ndef node(x): return A(1, x).c",
    "ordered": "from dataclasses import dataclass\n@dataclass«|(order=True)»\nclass A:\n"
    "    a: int\ndef node(x): return A(x)",
    "metaclass": "class M(type):\n    def __len__(cls): return «1|2»\n"
    "class A(metaclass=M): pass\ndef node(x): return len(A)",
    "names of a pattern": "class A:\n    __match_args__ = ('«a|b»',)\ndef node(x: A): return x",
    "rank among arrays": "class A:\n    __array_priority__ = «1|2»\ndef node(x: A): return x",
    "type of a model's field": "from pydantic import BaseModel\nclass A(BaseModel):\n"
    "    a: «int|float»\ndef node(x): return A(a=x)",
    "bound of a model's field": "from pydantic import BaseModel, Field\nclass A(BaseModel):\n"
    "    a: int = Field(ge=«1|2»)\ndef node(x): return A(a=x)",
    "alias of a model's field": "from pydantic import BaseModel, Field\nclass A(BaseModel):\n"
    "    a: int = Field(alias='«b|c»')\ndef node(x): return A(b=x)",
    "choices of a model's field": "from typing import Literal\nfrom pydantic import BaseModel\n"
    "class A(BaseModel):\n    a: Literal['a', '«b|c»']\ndef node(x): return A(a=x)",
    "when a validator works": """
        from pydantic import BaseModel, field_validator
        class A(BaseModel):
            a: int
            @field_validator('a', mode='«before|after»')
            @classmethod
            def twice(cls, v): return v * 2
        def node(x): return A(a=x).a""",
    "field of a validator": """
        from pydantic import BaseModel, field_validator
        class A(BaseModel):
            a: int
            b: int
            @field_validator('«a|b»')
            @classmethod
            def twice(cls, v): return v * 2
        def node(x): return A(a=x, b=x).a""",
    # --- imports inside, dotted paths
    "import inside": "def node(x):\n    import ours.helpers\n    return ours.helpers.a(x) + «1|2»",
    "attribute of a package": "import ours.helpers\ndef node(x): return ours.helpers.«a|b»(x)",
    "default": "def f(v, *, k=«1|2»): return v + k\ndef node(x): return f(x)",
    "default that is a function": "def g(v): return «1|2»\ndef f(v, k=g): return k(v)\n"
    "def node(x): return f(x)",
    "nested function": "def node(x):\n    def f(v):\n        return lambda: v + «1|2»\n"
    "    return f(x)()",
    "class inside": "def node(x):\n    class A:\n        b = «1|2»\n    return A.b",
    "handler": "def node(x):\n    try:\n        return x()\n"
    "    except «ValueError|KeyError»:\n        return 1",
    "mutual recursion": "def even(n): return n == 0 or odd(n - 1)\n"
    "def odd(n): return n != «0|1» and even(n - 1)\ndef node(x): return even(x)",
    "recursive closure": "def make():\n    def f(n): return n and f(n - «1|2»)\n    return f\n"
    "F = make()\ndef node(x): return F(x)",
    "behind lru_cache": "from functools import lru_cache\n@lru_cache(maxsize=3)\n"
    "def f(v): return «1|2»\ndef node(x): return f(x)",
}
HELPERS = {
    "helpers": "def a(x): return x + 1\ndef b(x): return x + 2\n"
    "class Base:\n    def f(self): return 1\n",
    "others": "def a(x): return x - 1\n",
}


@pytest.mark.parametrize("case", SEEN)
def test_edit_changes_the_version(load: Load, case: str) -> None:
    before, after = both(textwrap.dedent(SEEN[case]))
    assert before != after
    first = parts_of(load(before, **HELPERS))
    same = parts_of(load(before, **HELPERS))
    assert same == first
    assert version_of(parts_of(load(after, **HELPERS))) != version_of(first)


# Edits of another module that only some path leads to: (nodes, helpers with an edit)
ELSEWHERE = {
    "import a.b inside": (
        "def node(x):\n    import ours.far.deep\n    return ours.far.deep.f(x)",
        {"far/__init__": "", "far/deep": "def f(x): return «1|2»"},
    ),
    "import a.b as c inside": (
        "def node(x):\n    import ours.far.deep as d\n    return d.f(x)",
        {"far/__init__": "", "far/deep": "def f(x): return «1|2»"},
    ),
    "from a import module, not imported before": (
        "def node(x):\n    from ours import far\n    return far.f(x)",
        {"far": "def f(x): return «1|2»"},
    ),
    "from . import inside": (
        "def node(x):\n    from . import far\n    return far.f(x)",
        {"far": "def f(x): return «1|2»"},
    ),
    "from .a import inside": (
        "def node(x):\n    from .far import f, g\n    return g(x)",
        {"far": "def f(x): return 0\ndef g(x): return «1|2»"},
    ),
    "constant of a module handed on": (
        "from ours import far\ndef f(m): return m.A\ndef node(x): return f(far)",
        {"far": "A = «1|2»"},
    ),
    "object of another class in it": (
        "from ours import far\ndef f(m): return m.A\ndef node(x): return f(far)",
        {
            "far": "from ours.kinds import Kind\nA = Kind(«1|2»)",
            "kinds": "from dataclasses import dataclass\n@dataclass(frozen=True)\n"
            "class Kind:\n    a: int",
        },
    ),
    "what it has imported": (
        "from ours import far\ndef node(x): return getattr(far, 'f')(x)",
        {"far": "from ours.home import f", "home": "def f(x): return «1|2»"},
    ),
    "re-export": (
        "from ours.far import f\ndef node(x): return f(x)",
        {
            "far": "from ours.home import «f|g as f»",
            "home": "def f(x): return 1\ndef g(x): return 2",
        },
    ),
    "attribute through two modules": (
        "import ours.far\ndef node(x): return ours.far.home.A + ours.far.home.f(x)",
        {"far": "from ours import home", "home": "A = «1|2»\ndef f(x): return A"},
    ),
    "annotation for type checkers only": (
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "if TYPE_CHECKING:\n    from ours.far import Kind\n    import ours.far as other\n"
            "def node(x: Kind, y: other.Kind | None = None): return x.f()"
        ),
        {"far": "class Kind:\n    def f(self): return «1|2»"},
    ),
    "annotation of a field for type checkers only": (
        (
            "from __future__ import annotations\nfrom typing import TYPE_CHECKING\n"
            "from dataclasses import dataclass\nif TYPE_CHECKING:\n    from ours.far import Kind\n"
            "@dataclass\nclass Outer:\n    kind: Kind\ndef node(x: Outer): return x.kind.f()"
        ),
        {"far": "class Kind:\n    def f(self): return «1|2»"},
    ),
    "class deep in an annotation": (
        (
            "from collections.abc import Callable, Mapping\nfrom ours.far import Kind\n"
            "def node(x: Mapping[str, list[Callable[[int], Kind | None]]]):\n"
            "    return x['a'][0](1).f()"
        ),
        {"far": "class Kind:\n    def f(self): return «1|2»"},
    ),
    "inherited from elsewhere": (
        "from ours.far import Base\nclass A(Base): pass\ndef node(x: A): return x.f()",
        {"far": "class Base:\n    def f(self): return helper()\ndef helper(): return «1|2»"},
    ),
}


@pytest.mark.parametrize("case", ELSEWHERE)
def test_edit_elsewhere_changes_the_version(load: Load, case: str) -> None:
    nodes, others = ELSEWHERE[case]
    first = parts_of(load(nodes, **{n: both(t)[0] for n, t in others.items()}))
    second = parts_of(load(nodes, **{n: both(t)[1] for n, t in others.items()}))
    assert version_of(first) != version_of(second)


UNSEEN = {
    "comment": "def f(v):\n    return v  «|# why»\ndef node(x): return f(x)",
    "docstring": "def f(v):\n    '''«One|Two».'''\n    return v\ndef node(x): return f(x)",
    "docstring of a class": "class A:\n    '''«One|Two».'''\n    b = 1\ndef node(x: A): return x.b",
    "lines between": "A = 1\n«|\n\n»def node(x): return x + A",
    "parentheses": "def node(x): return «x + 1|(\n    x\n    + 1\n)»",
    "unrelated function": "def other(x): return «1|2»\ndef node(x): return x",
    "unrelated constant": "A = «1|2»\ndef node(x): return x",
    "unrelated class": "class A:\n    b = «1|2»\ndef node(x): return x",
    "order of functions": "«def f(x): return 1\ndef g(x): return 2|"
    "def g(x): return 2\ndef f(x): return 1»\ndef node(x): return f(x) + g(x)",
    "order of methods": "class A:\n«    def f(x): return 1\n    def g(x): return 2|"
    "    def g(x): return 2\n    def f(x): return 1»\ndef node(x: A): return x",
    # Hamilton writes such names when a graph is built.
    "note of a decorator": "def f(v): return v\nf.__original_name__ = '«a|b»'\n"
    "def node(x): return f(x)",
    "order of a set": "A = {«'a', 'b'|'b', 'a'»}\ndef node(x): return A",
}


@pytest.mark.parametrize("case", UNSEEN)
def test_edit_without_effect(load: Load, case: str) -> None:
    before, after = both(UNSEEN[case])
    assert parts_of(load(before)) == parts_of(load(after))


def test_parts_are_named(load: Load) -> None:
    found = parts_of(
        load(
            "from ours.helpers import a\nfrom ours import others\nLIMIT = 3\n"
            "class Kind:\n    def f(self): return LIMIT\n"
            "def node(x: Kind): return a(x) + others.a(x)",
            **HELPERS,
        )
    )
    assert set(found) >= {
        "ours.nodes:node",
        "ours.helpers:a",
        "ours.others:a",
        "ours.nodes:LIMIT",
        "ours.nodes:Kind",
        "ours.nodes:Kind.f",
    }


# --- what cannot be followed ----------------------------------------------------------------

UNRESOLVED = {
    "unknown name": ("def node(x): return missing(x)", "ours.nodes:node: the name 'missing'"),
    "unknown name in a helper": (
        "def f(v): return lambda: missing\ndef node(x): return f(x)",
        "ours.nodes:f: the name 'missing'",
    ),
    "unknown attribute": (
        "from ours import helpers\ndef node(x): return helpers.missing(x)",
        "ours.helpers:missing is used but not defined",
    ),
    "unknown import inside": (
        "def node(x):\n    from ours.helpers import missing\n    return missing(x)",
        "ours.helpers:missing is used but not defined",
    ),
    "unknown module inside": (
        "def node(x):\n    import ours.missing\n    return ours.missing.f(x)",
        "ours.nodes:node: ours.missing cannot be imported",
    ),
    "unknown annotation": (
        "def node(x: 'Missing'): return x",
        "ours.nodes:node: its annotations cannot be resolved",
    ),
    "object of a plain class": (
        "class A:\n    def __init__(self): self.b = 1\nC = A()\ndef node(x): return C.b",
        "ours.nodes:C: .* freeze it into plain data or allow it by name",
    ),
    "object in a table": (
        "class A:\n    pass\nC = {'a': [A()]}\ndef node(x): return C",
        "ours.nodes:C: .* allow it by name",
    ),
    "object as class constant": (
        "class A:\n    pass\nclass B:\n    c = A()\ndef node(x): return B.c",
        "ours.nodes:B.c: .* allow it by name",
    ),
    "lock": (
        "import threading\nC = threading.Lock()\ndef node(x): return C",
        "ours.nodes:C: .* allow it by name",
    ),
    "generator": ("C = (i for i in 'ab')\ndef node(x): return next(C)", "ours.nodes:C: "),
    "table that holds itself": (
        "C = {}\nC['c'] = C\ndef node(x): return C",
        "ours.nodes:C: nested",
    ),
}


@pytest.mark.parametrize("case", UNRESOLVED)
def test_what_cannot_be_followed_is_an_error(load: Load, case: str) -> None:
    text, message = UNRESOLVED[case]
    with pytest.raises(UnresolvedCodeError, match=message):
        parts_of(load(text, **HELPERS))


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("unknown name", "ours.nodes:missing"),
        ("unknown attribute", "ours.helpers:missing"),
        ("unknown import inside", "ours.helpers:missing"),
        ("unknown module inside", "ours.nodes:node"),
        ("unknown annotation", "ours.nodes:node"),
        ("object of a plain class", "ours.nodes:C"),
        ("object in a table", "ours.nodes:C"),
        ("lock", "ours.nodes:C"),
    ],
)
def test_allowed_by_name(load: Load, case: str, name: str) -> None:
    module = load(UNRESOLVED[case][0], **HELPERS)
    assert "ours.nodes:node" in parts_of(module, allowed=frozenset({name}))
    with pytest.raises(UnresolvedCodeError):
        parts_of(module, allowed=frozenset({name + "x"}))


def test_memory_that_waits_has_no_version() -> None:
    """A second run of a process finds what the first one kept, whatever memory is left of it."""
    node = radiograph.nodes.imaging.images.neutron_back_projection
    reused_pages._waiting.clear()
    before = CodeVersions(PACKAGES, WITHOUT_VERSION).parts(node)
    reused_pages.uninitialised(2_000_000)
    assert len(reused_pages._waiting) == 1
    assert CodeVersions(PACKAGES, WITHOUT_VERSION).parts(node) == before
    reused_pages._waiting.clear()


def test_a_version_is_told_once_and_follows_objects_not_ids(load: Load) -> None:
    versions = CodeVersions(("ours",))
    one = load("def f(v): return 1\ndef node(x): return f(x)")
    first = versions.parts(one.node)
    assert versions.parts(one.node) == first
    other = load("def f(v): return 2\ndef node(x): return f(x)")
    assert versions.parts(other.node) != first


@pytest.mark.parametrize("opname", ["LOAD_CONST", "LOAD_FAST", "CALL", "STORE_ATTR"])
@pytest.mark.parametrize("argval", [object(), (1, object()), {}, np.int64(1)], ids=type)
def test_an_operand_without_a_meaning_is_refused(
    load: Load, monkeypatch: pytest.MonkeyPatch, opname: str, argval: object
) -> None:
    """``dis`` prints ``<unknown>`` for an operand of which it does not know the table."""
    module = load("def node(x):\n    x.a = 3\n    return len(x)")
    told = dis.get_instructions

    def without_meaning(code: types.CodeType) -> Iterator[dis.Instruction]:
        for step in told(code):
            yield step._replace(argval=argval) if step.opname.startswith(opname) else step

    monkeypatch.setattr(dis, "get_instructions", without_meaning)
    with pytest.raises(UnresolvedCodeError, match="ours.nodes:node: the operand .* --no-cache"):
        parts_of(module)


# --- the graphs of this project -------------------------------------------------------------

CHOICES = {
    "neutrons": (True, False),
    "gammas": (True, False),
    "energy_strategy": ("ELUT", "ToF", "FixedEn", "Edep"),
    "tof_start": ("time", "detector"),
    "prior_target": ("prior", "plane", "none"),
    "directionality": ("axis", "surface", "off"),
    "event_cap": (True, False),
    "cone_cap": (True, False),
}


@pytest.fixture(scope="module")
def real_nodes() -> dict[str, Any]:
    """Every node of both graphs in every variant that some choice selects."""
    base = {name: options[0] for name, options in CHOICES.items()}
    chosen = [base, *({**base, n: o} for n, options in CHOICES.items() for o in options[1:])]
    drivers = [build_driver(definition("imaging"), c) for c in chosen]
    drivers.append(build_driver(simulation_pipeline(), {}))
    found: dict[str, Any] = {}
    for dr in drivers:
        for name in graph_nodes(dr):
            function = dr.graph.nodes[name].callable
            found[f"{name} {function.__module__}:{function.__qualname__}"] = function
    return found


def test_every_node_of_the_project_has_a_version(real_nodes: dict[str, Any]) -> None:
    versions = CodeVersions(PACKAGES, WITHOUT_VERSION)
    known = {name: versions.parts(function) for name, function in real_nodes.items()}
    assert len(known) > 80
    for name, parts in known.items():
        module = real_nodes[name].__module__
        assert any(part.startswith(module) for part in parts), name
    # Found anew, every version is the same.
    again = CodeVersions(PACKAGES, WITHOUT_VERSION)
    assert {n: again.parts(f) for n, f in real_nodes.items()} == known


def test_arguments_of_nodes_say_which_code_they_bring(real_nodes: dict[str, Any]) -> None:
    """A method called on an argument is found by the argument's annotation."""
    for name, function in real_nodes.items():
        hints = typing.get_type_hints(function, localns=dict(checking_names(function.__module__)))
        arguments = {n: h for n, h in hints.items() if n != "return"}
        assert Any not in arguments.values(), f"{name}: an argument is annotated Any"
        code = function.__code__
        assert len(arguments) == code.co_argcount + code.co_kwonlyargcount, name
        for hint in arguments.values():
            for kind in classes_in(hint):
                if not kind.__module__.startswith("radiograph."):
                    continue
                for derived in kind.__subclasses__():
                    own = [a for a, v in vars(derived).items() if functions_of(v) or is_code(v)]
                    assert not own, f"{name}: {own} of {derived.__name__} are not seen"


def is_code(member: Any) -> bool:
    return (
        isinstance(member, types.FunctionType)
        and member.__module__.startswith("radiograph.")
        and not is_generated(member)
    )


def source_files() -> list[Path]:
    (root,) = radiograph.nodes.__path__
    files = sorted(Path(root).rglob("*.py"))
    assert len(files) > 30
    return files


@pytest.mark.parametrize("path", source_files(), ids=lambda p: f"{p.parent.name}/{p.name}")
def test_no_module_is_asked_for_a_computed_name(path: Path) -> None:
    """``getattr(module, name)``, globals(), eval and import_module hide which code is run."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = set()
    for line in ast.walk(tree):
        if isinstance(line, (ast.Import, ast.ImportFrom)):
            modules |= {(a.asname or a.name).split(".")[0] for a in line.names}
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name)):
            continue
        where = f"{path}:{call.lineno}"
        assert call.func.id not in ("eval", "exec", "globals", "__import__", "import_module"), where
        if call.func.id in ("getattr", "setattr", "vars") and call.args:
            first = call.args[0]
            while isinstance(first, ast.Attribute):
                first = first.value
            assert not (isinstance(first, ast.Name) and first.id in modules), where


def test_compiling_under_a_profiler_changes_nothing(load: Load) -> None:
    module = load(
        "from numba import njit\n@njit\ndef k(v): return v.shape\ndef node(x): return k(x)"
    )
    before = parts_of(module)
    profiler = cProfile.Profile()
    profiler.enable()
    try:
        module.node(np.zeros(3))
    finally:
        profiler.disable()
    assert parts_of(module) == before

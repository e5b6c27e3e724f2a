"""Every data set by its name; the sets themselves are in `catalogue.sets`, one file a family."""

from tuilab.core.catalogue.data.data_set import Data as Data
from tuilab.core.catalogue.data.data_set import Task as Task
from tuilab.core.catalogue.data.graphs import Communities as Communities
from tuilab.core.catalogue.data.graphs import Karate as Karate
from tuilab.core.catalogue.data.images import CIFAR10 as CIFAR10
from tuilab.core.catalogue.data.images import KMNIST as KMNIST
from tuilab.core.catalogue.data.images import MNIST as MNIST
from tuilab.core.catalogue.data.images import FashionMNIST as FashionMNIST
from tuilab.core.catalogue.data.images import Folder as Folder
from tuilab.core.catalogue.data.images import Glyphs as Glyphs
from tuilab.core.catalogue.data.points import Blobs as Blobs
from tuilab.core.catalogue.data.points import Circle as Circle
from tuilab.core.catalogue.data.points import Drawn as Drawn
from tuilab.core.catalogue.data.points import Gauss as Gauss
from tuilab.core.catalogue.data.points import GaussiansGrid as GaussiansGrid
from tuilab.core.catalogue.data.points import GaussiansRing as GaussiansRing
from tuilab.core.catalogue.data.points import Moons as Moons
from tuilab.core.catalogue.data.points import MultiGauss as MultiGauss
from tuilab.core.catalogue.data.points import Plane as Plane
from tuilab.core.catalogue.data.points import PlaneSurface as PlaneSurface
from tuilab.core.catalogue.data.points import Rings as Rings
from tuilab.core.catalogue.data.points import Sine as Sine
from tuilab.core.catalogue.data.points import Spiral as Spiral
from tuilab.core.catalogue.data.points import SwissRoll as SwissRoll
from tuilab.core.catalogue.data.points import Xor as Xor
from tuilab.core.catalogue.data.sequences import Adding as Adding
from tuilab.core.catalogue.data.sequences import Copy as Copy
from tuilab.core.catalogue.data.sequences import Forecast as Forecast
from tuilab.core.catalogue.data.sequences import Parity as Parity
from tuilab.core.catalogue.data.sequences import Waves as Waves
from tuilab.core.catalogue.data.tables import Table as Table
from tuilab.core.catalogue.data.texts import PythonSource as PythonSource
from tuilab.core.catalogue.data.texts import Text as Text

AnyData = (
    Circle | Xor | Gauss | Spiral | Moons | Blobs | Rings | GaussiansRing | GaussiansGrid | Drawn
    | PlaneSurface | MultiGauss | Sine | SwissRoll
    | Glyphs | MNIST | FashionMNIST | KMNIST | CIFAR10
    | Parity | Adding | Copy | Waves | Forecast
    | Text | PythonSource
    | Communities | Karate
    | Table | Folder
)  # fmt: skip
"""Every data set by its name in a file."""

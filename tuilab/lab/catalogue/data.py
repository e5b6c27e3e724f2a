"""Every data set by its name; the sets themselves are in `catalogue.sets`, one file a family."""

from tuilab.lab.catalogue.sets.data import Data as Data
from tuilab.lab.catalogue.sets.data import Task as Task
from tuilab.lab.catalogue.sets.graphs import Communities as Communities
from tuilab.lab.catalogue.sets.graphs import Karate as Karate
from tuilab.lab.catalogue.sets.pictures import CIFAR10 as CIFAR10
from tuilab.lab.catalogue.sets.pictures import KMNIST as KMNIST
from tuilab.lab.catalogue.sets.pictures import MNIST as MNIST
from tuilab.lab.catalogue.sets.pictures import FashionMNIST as FashionMNIST
from tuilab.lab.catalogue.sets.pictures import Folder as Folder
from tuilab.lab.catalogue.sets.pictures import Glyphs as Glyphs
from tuilab.lab.catalogue.sets.points import Blobs as Blobs
from tuilab.lab.catalogue.sets.points import Circle as Circle
from tuilab.lab.catalogue.sets.points import Drawn as Drawn
from tuilab.lab.catalogue.sets.points import Gauss as Gauss
from tuilab.lab.catalogue.sets.points import GaussiansGrid as GaussiansGrid
from tuilab.lab.catalogue.sets.points import GaussiansRing as GaussiansRing
from tuilab.lab.catalogue.sets.points import Moons as Moons
from tuilab.lab.catalogue.sets.points import MultiGauss as MultiGauss
from tuilab.lab.catalogue.sets.points import Plane as Plane
from tuilab.lab.catalogue.sets.points import PlaneSurface as PlaneSurface
from tuilab.lab.catalogue.sets.points import Rings as Rings
from tuilab.lab.catalogue.sets.points import Sine as Sine
from tuilab.lab.catalogue.sets.points import Spiral as Spiral
from tuilab.lab.catalogue.sets.points import SwissRoll as SwissRoll
from tuilab.lab.catalogue.sets.points import Xor as Xor
from tuilab.lab.catalogue.sets.sequences import Adding as Adding
from tuilab.lab.catalogue.sets.sequences import Copy as Copy
from tuilab.lab.catalogue.sets.sequences import Forecast as Forecast
from tuilab.lab.catalogue.sets.sequences import Parity as Parity
from tuilab.lab.catalogue.sets.sequences import Waves as Waves
from tuilab.lab.catalogue.sets.tables import Table as Table
from tuilab.lab.catalogue.sets.texts import PythonSource as PythonSource
from tuilab.lab.catalogue.sets.texts import Text as Text

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

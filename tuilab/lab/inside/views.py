"""Every question and every answer of the views inside, for the wire."""

from tuilab.lab.inside.backprop import BackpropSeen, BackpropWanted
from tuilab.lab.inside.examples import ExamplesSeen, ExamplesWanted
from tuilab.lab.inside.landscape import LandscapeSeen, LandscapeWanted
from tuilab.lab.inside.layer import LayerSeen, LayerWanted
from tuilab.lab.inside.units import UnitsSeen, UnitsWanted

AnyWanted = UnitsWanted | LayerWanted | ExamplesWanted | BackpropWanted | LandscapeWanted
AnySeen = UnitsSeen | LayerSeen | ExamplesSeen | BackpropSeen | LandscapeSeen

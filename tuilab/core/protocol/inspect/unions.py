"""Every question and every answer of the views inside, for the wire."""

from tuilab.core.protocol.inspect.backprop_messages import BackpropSeen, BackpropWanted
from tuilab.core.protocol.inspect.examples_messages import ExamplesSeen, ExamplesWanted
from tuilab.core.protocol.inspect.landscape_messages import LandscapeSeen, LandscapeWanted
from tuilab.core.protocol.inspect.layer_messages import LayerSeen, LayerWanted
from tuilab.core.protocol.inspect.units_messages import UnitsSeen, UnitsWanted

AnyWanted = UnitsWanted | LayerWanted | ExamplesWanted | BackpropWanted | LandscapeWanted
AnySeen = UnitsSeen | LayerSeen | ExamplesSeen | BackpropSeen | LandscapeSeen

"""What the palette lists before anything is typed."""

from textual.command import DiscoveryHit, Hits
from textual.system_commands import SystemCommandsProvider


class OrderedCommands(SystemCommandsProvider):
    """The commands of the palette in the order that they are given in, not by their titles."""

    async def discover(self) -> Hits:
        """Yields all commands."""
        for title, description, call, _ in self.app.get_system_commands(self.screen):
            yield DiscoveryHit(title, call, help=description)

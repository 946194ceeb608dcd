"""Runner of a job that must not run user code: every step is refused before anything starts."""

from mlci.errors import UserCodeError
from mlci.steps.interface import Ran, Step


class RefusingRunner:
    """Implements :class:`mlci.steps.interface.Runner` where the job's token can write the registry."""

    def run(self, step: Step) -> Ran:
        """Refuse the step.

        Raises:
            UserCodeError: if it is called at all.
        """
        raise UserCodeError(f"the step `{step.name}` would have to run")

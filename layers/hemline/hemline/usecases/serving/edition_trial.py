"""Whether an edition's ranker passed its trial, and the substitute for one that did not."""

from hemline.decide.ladder import NotNow
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.array_types import Floats
from hemline.model.edition import TRIAL, Edition


class Untried:
    """Substitute for a ranker without a trial, which could crash the process and so is never loaded.

    It fails like a broken ranker, so receipts record the failure and replay to the same bytes.
    """

    feature_names = FEATURES

    def __init__(self, _onnx: bytes, _card: bytes) -> None: ...

    def score(self, _matrix: Floats) -> Floats:
        """Raises NotNow."""
        raise NotNow("the edition's ranker never had its trial: publish again")


def tried(edition: Edition) -> bool:
    """Whether the ranker may be loaded: a publish of this or newer code has tried it."""
    return edition.header.trial >= TRIAL

"""Whether an edition's ranker has had its trial, and what stands for one that has not."""

from hemline.decide.ladder import NotNow
from hemline.decide.ranking.features.matrix import FEATURES
from hemline.learn.array_types import Floats
from hemline.model.edition import TRIAL, Edition


class Untried:
    """Stands for a ranker that never had its trial: it might end the process, so it is not even loaded.

    To a decision it is one that fails, which receipts note: they replay to the same bytes.
    """

    feature_names = FEATURES

    def __init__(self, _onnx: bytes, _card: bytes) -> None: ...

    def score(self, _matrix: Floats) -> Floats:
        """Raises NotNow."""
        raise NotNow("the edition's ranker never had its trial: publish again")


def tried(edition: Edition) -> bool:
    """Whether the edition's ranker may be asked: a publish of this or newer code has tried it."""
    return edition.header.trial >= TRIAL

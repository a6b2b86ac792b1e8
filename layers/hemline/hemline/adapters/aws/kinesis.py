"""The event stream in Kinesis, over `client`."""

from collections.abc import Sequence

import msgspec

from hemline.adapters.aws.client import AwsCall, AwsClient
from hemline.adapters.kinesis_limits import MAX_ENTRIES, calls, too_large
from hemline.model.errors import Unavailable
from hemline.usecases.ports import StreamEntry

_HEADERS = {
    "content-type": "application/x-amz-json-1.1",
    "x-amz-target": "Kinesis_20131202.PutRecords",
}


class _Outcome(msgspec.Struct, rename="pascal"):
    error_code: str | None = None
    error_message: str | None = None


class _Put(msgspec.Struct, rename="pascal"):
    records: list[_Outcome]


class KinesisStream:
    """EventStream. When an answer is lost, an entry may be stored twice; readers de-duplicate."""

    def __init__(self, client: AwsClient, stream: str) -> None:
        self._client, self._stream = client, stream

    def put(self, entries: Sequence[StreamEntry]) -> list[str | None]:
        """None (stored) or a failure reason for each; raises Unavailable only when no call got through.

        PutRecords is not all or nothing: failed entries are put again, a bounded number of times. This
        may change their order within a partition; the fold does not depend on that order.
        """
        if len(entries) > MAX_ENTRIES:
            raise ValueError(f"at most {MAX_ENTRIES} entries in one put, not {len(entries)}")
        reasons = [too_large(entry) for entry in entries]
        waiting = [index for index, reason in enumerate(reasons) if reason is None]
        # All rounds share one deadline, so that the caller gets its answer in time.
        attempts, until = self._client.retries.attempts, self._client.until()
        for attempt in range(attempts):
            waiting = self._round(entries, waiting, reasons, until)
            last = not waiting or attempt + 1 == attempts
            if last or not self._client.rest(attempt, until):
                break
        return reasons

    def _round(
        self,
        entries: Sequence[StreamEntry],
        waiting: list[int],
        reasons: list[str | None],
        until: float,
    ) -> list[int]:
        """Puts the entries at `waiting`, sets their reasons, returns the positions to try again."""
        failed: list[int] = []
        for number, part in enumerate(calls(entries, waiting)):
            try:
                outcomes = self._call([entries[index] for index in part], until)
            except Unavailable as error:
                if number == 0 and len(part) == len(entries):
                    raise
                # No further round for these: the client has already used up its retries.
                outcomes = [str(error)] * len(part)
            else:
                failed += [i for i, reason in zip(part, outcomes, strict=True) if reason]
            for index, reason in zip(part, outcomes, strict=True):
                reasons[index] = reason
        return failed

    def _call(self, entries: list[StreamEntry], until: float) -> list[str | None]:
        records = [{"Data": entry.data, "PartitionKey": entry.partition} for entry in entries]
        payload = {"StreamName": self._stream, "Records": records}
        answer = self._client.json(AwsCall(headers=_HEADERS, until=until), payload, _Put)
        if len(answer.records) != len(entries):
            raise Unavailable(self._client.service, "answered for another number of records")
        return [_reason(outcome) for outcome in answer.records]


def _reason(outcome: _Outcome) -> str | None:
    if outcome.error_code is None:
        return None
    return f"{outcome.error_code}: {outcome.error_message or ''}"

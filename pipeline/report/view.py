"""What the page shows, made from a run's results; nothing here knows HTML."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from pipeline.alerts import first_alert
from pipeline.report.notes import notes_of
from pipeline.report.page import ConversationView, GapView, MessageView, PageView, RowView, SpeakerView, StageScore
from pipeline.report.reasons import silence, why_fallen, why_risen
from pipeline.results import Run, ScoredConversation, ScoredMessage, WeightedSpan
from pipeline.results.strengths import hint_from
from pipeline.schema import KINDS
from pipeline.summaries.sentence import level_name, sentence
from pipeline.summaries.summary import summarise

SHOWN_WHOLE = 200
"""A conversation of more messages is shown around its signs only."""

_AROUND = 5
_SIGNS = 40


def page_view(run: Run, *, whole: int, listed: int) -> PageView:
    """Return the page of a run: the ``whole`` riskiest conversations with their timelines, the next ``listed`` in a table."""
    conversations = run.riskiest(whole + listed)
    first, rest = conversations[:whole], conversations[whole:]
    total = run.count()
    messages = {
        conversation.conversation_id: messages for conversation, messages in run.read(shown.conversation_id for shown in first)
    }
    return PageView(
        conversations=[
            conversation_view(run, conversation, messages[conversation.conversation_id], number)
            for number, conversation in enumerate(first, 1)
        ],
        others=[_listed(run, conversation) for conversation in rest],
        left_out=max(0, total - whole - listed),
        total=total,
        messages=run.record["counts"]["rows"],
        flagged=run.flagged(),
        skipped=run.skipped(),
        threshold=run.thresholds.risk,
        kinds=[(kind, run.record["counts"]["kinds"].get(kind, 0)) for kind in KINDS],
        text=run.record["settings"]["text"],
    )


def _listed(run: Run, conversation: ScoredConversation) -> RowView:
    return RowView(
        conversation_id=conversation.conversation_id,
        platform=conversation.platform,
        source=conversation.source_file or "",
        messages=conversation.messages,
        risk=conversation.risk,
        flagged=conversation.is_alert(run.thresholds),
    )


def conversation_view(
    run: Run,
    conversation: ScoredConversation,
    messages: Sequence[ScoredMessage],
    number: int,
    *,
    shown_whole: int = SHOWN_WHOLE,
    verbatim: bool | None = None,
    language: str = "en",
) -> ConversationView:
    """Return a conversation as a page shows it, with its messages; ``number`` tells it from others there.

    ``verbatim``: the messages hold words and names as the export has them; by default as the run kept them.
    ``language`` is that of the sentence.
    """
    holds_words = bool(run.record["settings"]["text"] == "include") if verbatim is None else verbatim
    risks = [message.risk for message in messages]
    alert = first_alert(risks, run.thresholds.risk)
    views = _messages(run, messages, alert, verbatim=holds_words)
    summary = summarise(messages, run.taxonomy, run.thresholds)
    names = {stage.key: stage.name for stage in run.taxonomy.stages}
    return ConversationView(
        number=number,
        conversation_id=conversation.conversation_id,
        title=conversation.title if holds_words else None,
        platform=conversation.platform,
        source=conversation.source_file or "",
        first=_moment(conversation.first_timestamp),
        last=_moment(conversation.last_timestamp),
        messages=conversation.messages,
        speakers=_speakers(run, messages, views),
        risk=conversation.risk,
        flagged=alert is not None,
        alert=alert,
        alert_slot=messages[alert - 1].speaker_slot if alert else None,
        stages=_stages(run, conversation, hint_from(run)),
        risks=risks,
        signs={
            index: [(view.position, view.stages[index].probability) for view in views if view.stages and view.stages[index].found]
            for index in range(len(run.taxonomy.stages))
        },
        severity=summary.level if summary else None,
        urgency=level_name(summary.level, language=language) if summary else None,
        sentence=sentence(summary, names, language=language) if summary else None,
        rows=_shown(views, shown_whole),
    )


def _stages(run: Run, scored: ScoredConversation | ScoredMessage, hints: Mapping[str, float]) -> list[StageScore]:
    """Return the stages with their probabilities; none where there are no probabilities."""
    if scored.stages is None:
        return []
    over = scored.stages_over(run.thresholds)
    return [
        StageScore(index, stage.name, value, stage.key in over, stage.key not in over and value >= hints[stage.key])
        for index, stage in enumerate(run.taxonomy.stages)
        for value in [scored.stages[stage.key]]
    ]


def _messages(run: Run, messages: Sequence[ScoredMessage], alert: int | None, *, verbatim: bool) -> list[MessageView]:
    views, hints = [], hint_from(run)
    before, risk, peak, spoken = None, 0.0, 0.0, None
    latest: dict[str, float] = {}
    positions = {message.message_id: message.position for message in messages}
    for message in messages:
        day, time = _day_and_time(message.timestamp)
        stages, peak = _stages(run, message, hints), max(peak, message.risk)
        words = message.words or _words_of_why(message)
        views.append(
            MessageView(
                position=message.position,
                slot=message.speaker_slot,
                name=message.speaker if verbatim else None,
                kind=message.kind,
                day=day if day != before else None,
                time=time,
                text=message.text if verbatim else None,
                pieces=_pieces(message.text, words) if verbatim and message.text else (),
                cues=message.cues,
                stages=stages,
                risk=message.risk,
                source=str(message.source),
                notes=notes_of(message.meta),
                alert=message.position == alert,
                reply_to=positions.get(str(message.meta.get("reply_to"))),
                why=why_risen(message, risk, stages),
                peak=peak,
                fell=why_fallen(message, risk, latest),
                later=silence(spoken, message.timestamp),
                explained=bool(words),
            )
        )
        before, risk, spoken = day or before, message.risk, message.timestamp or spoken
        if message.speaker_slot is not None and message.speaker_risk is not None:
            latest[message.speaker_slot] = message.speaker_risk
    return views


def _words_of_why(message: ScoredMessage) -> Sequence[WeightedSpan]:
    """Return the words that carried a jump of the risk, for a message without a sign of its own."""
    return [WeightedSpan(start, end, weight) for start, end, weight in message.why["words"]] if message.why else ()


def _pieces(text: str, words: Sequence[WeightedSpan]) -> list[tuple[str, float]]:
    pieces = []
    after = 0
    for word in words:
        pieces += [(text[after : word.start], 0.0), (text[word.start : word.end], word.weight)]
        after = word.end
    return [(piece, weight) for piece, weight in (*pieces, (text[after:], 0.0)) if piece]


def _moment(timestamp: str | None) -> str | None:
    return timestamp[:16].replace("T", " ") if timestamp else None


def _day_and_time(timestamp: str | None) -> tuple[str | None, str | None]:
    """Cut an ISO 8601 time into its day and its minute."""
    return (timestamp[:10], timestamp[11:16]) if timestamp else (None, None)


def _speakers(run: Run, messages: Sequence[ScoredMessage], views: Sequence[MessageView]) -> list[SpeakerView]:
    counts: Counter[str] = Counter()
    risks: dict[str, float] = {}
    names: dict[str, str | None] = {}
    stage_counts: dict[str, Counter[int]] = {}
    for message, view in zip(messages, views, strict=True):
        if view.slot is None:
            continue
        counts[view.slot] += 1
        names.setdefault(view.slot, view.name)
        risks[view.slot] = max(risks.get(view.slot, 0.0), message.speaker_risk or 0.0)
        stage_counts.setdefault(view.slot, Counter()).update(stage.index for stage in view.found)
    return [
        SpeakerView(
            slot=slot,
            name=names[slot],
            messages=counts[slot],
            risk=risks[slot],
            stages=[(index, run.taxonomy.stages[index].name, count) for index, count in sorted(stage_counts[slot].items())],
        )
        for slot in sorted(counts, key=lambda slot: (-risks[slot], slot))
    ]


def _shown(views: Sequence[MessageView], shown_whole: int) -> list[MessageView | GapView]:
    """Return the rows to show: all of a short conversation; of a long one those around the alert and the strongest signs."""
    if len(views) <= shown_whole:
        return list(views)
    signs = sorted((view for view in views if view.found), key=lambda view: -view.found[0].probability)[:_SIGNS]
    keep: set[int] = set(range(_AROUND))
    for index in [view.position - 1 for view in (*signs, *(view for view in views if view.alert))]:
        keep.update(range(max(0, index - _AROUND), min(len(views), index + _AROUND + 1)))
    return list(_with_gaps(views, sorted(keep)))


def _with_gaps(views: Sequence[MessageView], keep: Sequence[int]) -> Iterable[MessageView | GapView]:
    after = 0
    for index in keep:
        if index > after:
            yield GapView(views[after].position, views[index - 1].position)
        yield views[index]
        after = index + 1
    if after < len(views):
        yield GapView(views[after].position, views[-1].position)

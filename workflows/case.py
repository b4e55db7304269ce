"""The patience of a case. It holds no rules: it waits, takes in what arrives, and does what it is told.

    until the instruction's time comes or something arrives:
        if something arrived, let `decide` take it in; else perform the instruction;
        either way there is a new instruction; until one closes the case.

Rules run in activities, and every instruction stands in the history as an activity's result. So only this shell is
ever versioned, and no change of a rule can wedge a sleeping case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue, SearchAttributeKey
from temporalio.exceptions import ActivityError, FailureError

with workflow.unsafe.imports_passed_through():
    from contract.messages import Answer, Arrival, CaseInput, Decide, Failed, Next, Perform
    from contract.names import CASE_WORKFLOW, NEXT_ATTRIBUTE, STAGE_ATTRIBUTE
    from workflows import options
    from workflows.telling import failure_code, readable, story

STAGE = SearchAttributeKey.for_keyword(STAGE_ATTRIBUTE)
NEXT = SearchAttributeKey.for_keyword(NEXT_ATTRIBUTE)


@workflow.defn(name=CASE_WORKFLOW)
class CaseWorkflow:
    """One generation of a case, from its opening to its close."""

    @workflow.init
    def __init__(self, case: CaseInput) -> None:
        self.case = case
        self.inbox: list[Arrival] = []
        self.arrived = case.arrived
        self.answers: dict[int, Answer] = {}
        self.next = case.resume or Next(0, "wait", "", 0, None, "opening", "", "")
        self.schedule = self.next.schedule or []

    @workflow.run
    async def run(self, _case: CaseInput) -> str:
        """Live until an instruction closes the case; the result is its outcome."""
        if not self.next.seq:
            self.obey(await self.decide())
        while self.inbox or not self.next.closes:
            await self.something_arrives_or_time_comes()
            self.obey(await (self.decide() if self.inbox else self.perform()))
            if self.next.closes or workflow.info().is_continue_as_new_suggested():
                await workflow.wait_condition(workflow.all_handlers_finished)
                self.turn_the_page()
        return self.next.reason

    def turn_the_page(self) -> None:
        """A guard, not a habit: one run is one evidence file, unless its history grew too long for the server."""
        if self.inbox or self.next.closes or not workflow.info().is_continue_as_new_suggested():
            return
        resume = replace(self.next, schedule=self.schedule, answers={})
        workflow.continue_as_new(replace(self.case, resume=resume, arrived=self.arrived))

    # --- waiting ---------------------------------------------------------------------------------------------------
    async def something_arrives_or_time_comes(self) -> None:
        if self.next.not_before is None:
            if self.next.action == "wait":
                await workflow.wait_condition(lambda: bool(self.inbox))
            return
        left = self.case.clock.real(self.next.not_before) - workflow.now()
        if left.total_seconds() <= 0 or self.inbox:
            return
        try:
            await workflow.wait_condition(lambda: bool(self.inbox), timeout=left, timeout_summary=story(self.next))
        except TimeoutError:
            return

    # --- doing -----------------------------------------------------------------------------------------------------
    async def decide(self, failed: Failed | None = None) -> Next:
        case = self.case
        seq = self.next.seq + 1
        given = Decide(case.case_id, case.generation, seq, workflow.now(), tuple(self.inbox), failed)
        try:
            order: Next = await workflow.execute_local_activity(
                "decide", given, result_type=Next, **options.DECIDE_AT_ONCE
            )
            return order
        except FailureError:
            return await self.decide_when_possible(given)

    async def decide_when_possible(self, given: Decide) -> Next:
        while True:
            try:
                order: Next = await workflow.execute_activity(
                    "decide", given, result_type=Next, summary="decide, when possible", **options.DECIDE_WHEN_POSSIBLE
                )
                return order
            except ActivityError:
                await workflow.sleep(options.OPERATOR_LOOKS_EVERY, summary="the decision failed: an operator must look")

    async def perform(self) -> Next:
        if self.next.action not in options.AT_MOST:
            return await self.decide()
        order, case = self.next, self.case
        given = Perform(
            case.case_id, case.generation, order.seq + 1, workflow.now(), order.action, order.step, order.attempt
        )
        try:
            following: Next = await workflow.execute_activity(
                order.action,
                given,
                task_queue=options.QUEUES.get(order.channel),
                result_type=Next,
                start_to_close_timeout=options.AT_MOST[order.action],
                retry_policy=options.TRIES,
                summary=story(order),
            )
            return following
        except ActivityError as error:
            return await self.decide(Failed(order.action, order.step, failure_code(error)))

    def obey(self, order: Next) -> None:
        """Take over a new instruction: what it took in leaves the inbox, who asked is answered, the UI sees it."""
        shown = (self.next.stage, self.next.ahead)
        self.next = order
        self.inbox = [arrival for arrival in self.inbox if arrival.number > order.taken]
        self.answers.update(order.answers)
        if order.schedule is not None:
            self.schedule = order.schedule
        workflow.set_current_details(story(order))
        if (order.stage, order.ahead) != shown:
            workflow.upsert_search_attributes([STAGE.value_set(order.stage), NEXT.value_set(order.ahead)])

    # --- what people and providers say -----------------------------------------------------------------------------
    @workflow.signal(dynamic=True)
    def hear(self, name: str, args: Sequence[RawValue]) -> None:
        """Any signal: a stored fact by id (`fact`), or a raw message. What cannot be read is not lost either."""
        self.take_in(name, args)

    @workflow.update(dynamic=True)
    async def answer(self, name: str, args: Sequence[RawValue]) -> Answer:
        """Any update: like a signal, but the caller waits for the new state or the refusal."""
        number = self.take_in(name, args)
        await workflow.wait_condition(lambda: number in self.answers)
        return self.answers.pop(number)

    def take_in(self, name: str, args: Sequence[RawValue]) -> int:
        self.arrived += 1
        body: dict[str, Any] | str | None = readable(args)
        fact_id = body if name == "fact" and isinstance(body, str) else ""
        self.inbox.append(Arrival(self.arrived, name, fact_id, body if isinstance(body, dict) else None))
        return self.arrived

    @workflow.query
    def state(self) -> Next:
        """The present instruction: stage, next action, not before when, and why."""
        return self.next

    @workflow.query(name="schedule")
    def planned(self) -> list[tuple[str, str, str]]:
        """All steps as (id, day, state)."""
        return self.schedule

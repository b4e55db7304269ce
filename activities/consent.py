"""The letter of consent (*carta de anuência*) with which a debtor has a registered protest cancelled."""

from __future__ import annotations

from uuid import UUID

from activities.desk import at_desk
from activities.documents import PDF, keep_document
from activities.papers import Papers, city_name, registry_office
from activities.protest import state_of
from activities.views import read_creditor
from activities.world import World
from domain.errors import Refused
from letters.documents import consent_letter_pdf
from letters.models import ConsentData


def consent_letter(world: World, case_id: UUID) -> UUID:
    """Render and store the letter of consent for the registered protest of a case; returns the document's id.

    The same day gives the same document. Raises Refused where no protest of the case stands registered, or where it is
    not the creditor who consents: what went by *endosso translativo* is the presenter's; with an *endosso-mandato* the
    creditor consents as endorser (Lei 9.492/1997 art. 26 par. 1 and 2).
    """
    with at_desk(world, str(case_id), None) as desk:
        protest, papers = desk.case.protest, Papers(desk)
        title = next((row for row in papers.titles if str(row.id) == protest.title_id), None)
        if protest.state != "registered" or title is None or title.protocol_date is None:
            raise Refused("no-registered-protest", "no protest of this case stands registered; there is none to cancel")
        _, settings = read_creditor(desk.conn, desk.row.creditor_id)
        agreement = settings.agreement_for(state_of(title.municipality))
        if agreement and agreement.endorsement == "T":
            raise Refused("presenter-consents", "the title is the presenter's by endorsement: he writes and signs it")
        mandate = agreement is not None and agreement.endorsement == "M"
        pdf = consent_letter_pdf(
            ConsentData(
                creditor=papers.creditor,
                debtor=papers.debtor,
                title_number=papers.invoice.printed_number,
                title_kind=papers.invoice.kind,
                amount=title.amount,
                due=desk.case.terms.due,
                registry_office=registry_office(title),
                registry_city=city_name(title.municipality),
                protocol=title.protocol,
                protocol_date=title.protocol_date,
                protest_date=papers.registered_on(title) or papers.on,
                on=papers.on,
                capacity="credor e endossante (endosso-mandato)" if mandate else "credor",
            )
        )
        name = f"carta-de-anuencia-{papers.invoice.printed_number}.pdf"
        return keep_document(world, desk.conn, case_id, "consent", name, PDF, pdf, desk.now)

"""Every table, in one import, for migrations and for tests that compare."""

from registry.access import model as access
from registry.accounts import idempotency
from registry.accounts import model as accounts
from registry.db.tables import Row
from registry.jobs import model as jobs
from registry.ledger import model as ledger
from registry.policies import model as policies
from registry.prompts import model as prompts
from registry.receipts import model as receipts
from registry.releases import model as releases
from registry.residents import model as residents
from registry.reviews import model as reviews
from registry.scorers import model as scorers
from registry.sketches import model as sketches
from registry.verdicts import model as verdicts

TABLES = (
    access,
    accounts,
    idempotency,
    jobs,
    ledger,
    policies,
    prompts,
    receipts,
    releases,
    residents,
    reviews,
    scorers,
    sketches,
    verdicts,
)
METADATA = Row.metadata

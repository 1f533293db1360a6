"""All of Laurel as one Chalice application, from which it is packaged: the API, and the workers.

Each Lambda has an entry of its own, and does not load this module.
"""

from chalicelib.api.app import app
from chalicelib.workers.archive import worker as archive_worker
from chalicelib.workers.boards import worker as boards_worker
from chalicelib.workers.progress import worker as progress_worker
from chalicelib.workers.rotate import worker as rotate_worker
from chalicelib.workers.sweep import worker as sweep_worker
from chalicelib.workers.verify import worker as verify_worker
from chalicelib.workers.verify_ledger import worker as verify_ledger_worker

for worker in (
    progress_worker,
    boards_worker,
    rotate_worker,
    sweep_worker,
    verify_worker,
    verify_ledger_worker,
    archive_worker,
):
    app.register_blueprint(worker)

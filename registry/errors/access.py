"""Access requests and approvals."""

from registry.errors.categories import Conflict, Invalid, NotFound, Refused


class UnknownRequest(NotFound):
    """No access request has that id, or it is somebody else's."""

    code = "unknown_request"


class UnknownApproval(NotFound):
    """No approval has that id."""

    code = "unknown_approval"


class RequestMoved(Conflict):
    """The access request has been decided or withdrawn."""

    code = "request_moved"


class RequestExists(Conflict):
    """An open access request for this release waits already."""

    code = "request_exists"


class LicenseNotAccepted(Invalid):
    """An access request must accept the release's licence."""

    code = "license_not_accepted"


class OwnRequest(Refused):
    """Nobody decides their own access request, or reviews their own output."""

    code = "own_request"


class NotApproved(Refused):
    """The release is known, but this researcher holds no approval for it."""

    code = "not_approved"


class ApprovalExpired(NotApproved):
    """There was an approval; its time is over."""

    code = "approval_expired"


class ApprovalRevoked(NotApproved):
    """There was an approval; it was taken back."""

    code = "approval_revoked"


class ScopeMissing(NotApproved):
    """The approval does not cover this use."""

    code = "scope_missing"

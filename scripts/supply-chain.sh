#!/usr/bin/env bash
# What comes in from other people: licences, doubles, sources and known faults of every crate (deny.toml says what is
# allowed), and known faults of the npm packages that building and testing use. Needs `scripts/setup.sh deny`.
#
# Lists of known faults come from where they are kept. Where they cannot be had, that is said, and the rest decides; with
# ADVISORIES=required, as before a release, it is a failure.
set -euo pipefail
. "$(dirname "$0")/lib.sh"
cd "$root"

# An exception in deny.toml that nothing needs any more fails, too.
deny=("$deny_root/bin/cargo-deny" --locked)
stale=(-D unmatched-skip -D license-exception-not-encountered)

# skip WHAT WHY: says so, or fails where it must not be.
skip() {
    [ "${ADVISORIES:-}" != required ] || fail "$1 could not be checked: $2"
    say "SKIPPED: $1, because $2"
}

crates() {
    say "licences, doubles and sources of crates"
    "${deny[@]}" check "${stale[@]}" licenses bans sources
    say "known faults of crates"
    local fetched
    if fetched=$("${deny[@]}" fetch db 2>&1); then
        "${deny[@]}" check advisories
    else
        skip "known faults of crates" "the RustSec database cannot be had: $(tail -n 1 <<<"$fetched")"
    fi
}

# packages FOLDER: low and moderate faults are only shown, because these packages run on our own files, and none ships.
packages() {
    say "known faults of the npm packages of $1"
    local report
    report=$(cd "$1" && npm audit --package-lock-only --json 2>/dev/null) || true
    if grep -q '"auditReportVersion"' <<<"$report"; then
        (cd "$1" && npm audit --package-lock-only --audit-level=high)
    else
        skip "known faults of the npm packages of $1" "the registry does not answer npm audit"
    fi
}

crates
for lock in $(git ls-files '*package-lock.json'); do packages "$(dirname "$lock")"; done

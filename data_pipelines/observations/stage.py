"""The stage that turns observation files into the reports of a run."""

from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import pandas as pd

from align_da.errors import InputError
from align_da.observations.reports import summary_of
from align_da.runs.stage_graph import observations_stage
from align_da.storage.digest import digest_of_file
from align_da.storage.gridded import open_states
from align_da.storage.report_file import (
    read_accounts,
    read_reports,
    write_accounts,
    write_reports,
)
from align_da.storage.run_folder import RunFolder
from align_da.storage.stages import run_stage
from data_pipelines.observations.account import Account
from data_pipelines.observations.read import Format, read_files


def make_reports(files: Sequence[Path], form: Format, folder: RunFolder) -> str:
    """Read the files unless the reports of these very files are there already.

    Returns:
        Counts by type, variable and flag, and what became of the reports of every file, as text.

    Raises:
        InputError: a file is not what it should be; names file and problem.
        StorageError: the reports cannot be written or read.
    """
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        message = f"expected observation files, found no {', '.join(missing)}"
        raise InputError(message)
    digests = sorted(digest_of_file(path) for path in files)

    stage = observations_stage(form, digests, folder)

    @cache
    def read() -> tuple[pd.DataFrame, tuple[Account, ...]]:
        return read_files(files, form)

    def write() -> None:
        reports, accounts = read()
        write_reports(folder.observations, reports)
        write_accounts(folder.observation_accounts, [asdict(account) for account in accounts])

    run_stage(folder, stage, write, first=read)
    reports = read_reports(folder.observations)
    accounts = [Account(**told) for told in read_accounts(folder.observation_accounts)]
    told = [str(account) for account in accounts]
    told += [f"no report of {one.file} can be used" for one in accounts if not one.kept]
    told += _told_of_times(accounts, folder)
    last = f"{len(reports)} observations: {folder.observations}"
    return "\n".join([summary_of(reports), *told, last])


def _told_of_times(accounts: Sequence[Account], folder: RunFolder) -> list[str]:
    """Files whose reports are of other days than the truth of the run, if it has one yet."""
    if not folder.truth.exists():
        return []
    times = open_states(folder.truth)["time"].to_numpy()
    begin, end = (str(time.astype("datetime64[s]")) for time in (times[0], times[-1]))
    return [
        f"no report of {one.file} is of the time of this run, {begin} to {end} ({folder.truth}): "
        "no analysis will use one"
        for one in accounts
        if one.kept and (one.last < begin or one.first > end)
    ]

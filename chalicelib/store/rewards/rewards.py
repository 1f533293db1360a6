"""The catalogue: rewards, their stock, and how often each player redeemed one.

A redemption neither writes nor checks a reward without a stock, so players do not contend for it. Price, window and a
new limit then apply as of the read, a moment before the write.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.rewards.rewards import MAX_REWARDS, Listed, Reward
from chalicelib.store.core.keys import Key
from chalicelib.store.core.models import Item
from chalicelib.store.core.table import Table, number
from chalicelib.store.core.transaction import Transaction
from chalicelib.store.rewards import keys
from chalicelib.store.rewards.models import RedeemedItem, RewardItem, StockItem


def reward_keys(reward_id: str) -> list[Key]:
    return [keys.reward(reward_id), keys.stock(reward_id)]


def read_reward(items: Mapping[Key, Item], reward_id: str) -> Listed | None:
    """Return a reward from the items of `reward_keys`.

    Its two items may be of different moments: the condition of the write detects that.
    """
    item = items.get(keys.reward(reward_id))
    if item is None:
        return None
    row, found = RewardItem.from_raw_data(item), items.get(keys.stock(reward_id))
    sold = int(StockItem.from_raw_data(found).sold) if found else 0
    return Listed(reward_id, row.reward, int(row.version), sold)


def load_reward(table: Table, reward_id: str) -> Listed | None:
    return read_reward(table.get_many(reward_keys(reward_id)), reward_id)


def list_rewards(table: Table) -> list[Listed]:
    """Return all rewards that are not retired, by cost, then id. Eventually consistent, like the index."""
    board, _ = keys.reward_order(0, "")
    rows = table.query(board, index=True, limit=MAX_REWARDS).items
    ids = [row["pk"]["S"].removeprefix(keys.reward("")[0]) for row in rows]
    items = table.get_many([key for each in ids for key in reward_keys(each)], strong=False)
    found = [read_reward(items, each) for each in ids]
    shown = [each for each in found if each is not None and not each.reward.retired]
    return sorted(shown, key=lambda each: (each.reward.cost, each.id))


def read_redeemed(item: Item | None) -> int:
    return int(RedeemedItem.from_raw_data(item).redeemed) if item else 0


# Writes of redemptions -------------------------------------------------------------------------------------------


def take_stock(tx: Transaction, listed: Listed) -> None:
    """Take one from the stock, if one is left and the reward is unchanged. Without a stock, do nothing."""
    if listed.reward.stock is not None:
        values = {":one": number(1), ":v": number(listed.version)}
        tx.update(keys.stock(listed.id), "ADD sold :one", "sold < stock AND v = :v", None, values)


def return_stock(tx: Transaction, reward_id: str) -> None:
    """Return one to the stock: reduce the number sold by one. The size of the stock may have changed since."""
    tx.update(keys.stock(reward_id), "ADD sold :less", "sold > :none", None, _decrement())


def count_redeemed(tx: Transaction, account_id: str, listed: Listed) -> None:
    """Count a redemption of a player, if the reward's limit allows it. Without a limit, do nothing."""
    if listed.reward.per_player is None:
        return
    values = {":one": number(1), ":most": number(listed.reward.per_player)}
    condition = "attribute_not_exists(redeemed) OR redeemed < :most"
    tx.update(keys.redeemed(account_id, listed.id), "ADD redeemed :one", condition, None, values)


def uncount_redeemed(tx: Transaction, account_id: str, reward_id: str) -> None:
    """Take back one counted redemption of a player."""
    tx.update(keys.redeemed(account_id, reward_id), "ADD redeemed :less", "redeemed > :none", None, _decrement())


def _decrement() -> Item:
    return {":less": number(-1), ":none": number(0)}


# Writes of admins ------------------------------------------------------------------------------------------------


def add_change(tx: Transaction, reward_id: str, before: Listed | None, reward: Reward) -> None:
    """Add the reward in a new version, on condition of the version that was read.

    The limit of the stock changes, never the number sold, so that redemptions and changes do not overwrite each other.
    The condition of a counter keeps at most MAX_REWARDS rewards that are not retired.
    """
    version = before.version + 1 if before else 1
    row = RewardItem(*keys.reward(reward_id), version=version, reward=reward)
    if not reward.retired:
        row.board, row.order = keys.reward_order(reward.cost, reward_id)
    if before is None:
        tx.put(row.item(), "attribute_not_exists(pk)")
    else:
        tx.put(row.item(), "v = :v", None, {":v": number(before.version)})
    _set_stock(tx, reward_id, before, reward, version)
    more = int(not reward.retired) - int(before is not None and not before.reward.retired)
    if more:
        _count_active(tx, more)


def _set_stock(tx: Transaction, reward_id: str, before: Listed | None, reward: Reward, version: int) -> None:
    values: Item = {":v": number(version)}
    if reward.stock is not None:
        values |= {":stock": number(reward.stock), ":none": number(0)}
        expression = "SET stock = :stock, v = :v, sold = if_not_exists(sold, :none)"
    elif before is not None and before.reward.stock is not None:
        expression = "SET v = :v REMOVE stock"
    else:
        return
    tx.update(keys.stock(reward_id), expression, "", None, values)


def _count_active(tx: Transaction, more: int) -> None:
    values = {":more": number(more)} | ({":most": number(MAX_REWARDS)} if more > 0 else {})
    condition = "attribute_not_exists(rewards) OR rewards < :most" if more > 0 else ""
    tx.update(keys.reward_count(), "ADD rewards :more", condition, None, values)


def count_rewards(table: Table) -> int:
    """Return the number of rewards that are not retired."""
    item = table.get(keys.reward_count())
    return int(item["rewards"]["N"]) if item else 0

"""Buttons, menus, modals and the App Home of the page, from the click to the app."""

import pytest
from playwright.async_api import expect

from tests.acceptance.page.blocks import PLAN, button, mrkdwn, plain
from tests.acceptance.page.people import ANN, Bot, Json, Tabs, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

SAID: Json = {"type": "section", "text": mrkdwn("Nothing waits for you.")}
EDIT: Json = {
    "type": "modal",
    "title": plain("Edit the plan"),
    "submit": plain("Save"),
    "close": plain("Cancel"),
    "blocks": [
        {"type": "alert", "level": "warning", "text": plain("Approvals start over.")},
        {
            "type": "input",
            "block_id": "pool",
            "label": plain("Pool size"),
            "element": {"type": "plain_text_input", "action_id": "size"},
        },
        {"type": "actions", "elements": [button("Pick a reason", "reason.pick")]},
    ],
}


async def test_a_confirmed_press_reaches_the_app_once(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(*PLAN)

    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("dialog.confirm")).to_contain_text("Run 2 steps on prod/eu-1?")
    await page.get_by_role("button", name="Run it").click()

    await until(lambda: bot.presses("plan.approve"))
    await expect(page.locator("dialog.confirm")).to_have_count(0)
    assert [one["value"] for one in bot.presses("plan.approve")] == ["P-1"]


async def test_a_press_that_was_not_confirmed_is_not_sent(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post(*PLAN, {"type": "actions", "elements": [button("Explain", "plan.explain")]})

    await page.get_by_role("button", name="Approve").click()
    await page.get_by_role("button", name="Not yet").click()
    await page.get_by_role("button", name="Approve").click()
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Explain").click()

    await until(lambda: bot.presses("plan.explain"))
    assert bot.presses("plan.approve") == []


async def test_a_press_the_app_did_not_acknowledge_shows_a_warning(tabs: Tabs, bot: Bot) -> None:
    bot.answer = lambda payload: None if payload.get("type") == "block_actions" else {}
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Retry", "step.retry")]})

    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".button.busy")).to_be_visible()

    await expect(page.get_by_role("img", name="did not acknowledge")).to_be_visible()
    await expect(page.locator(".button.busy")).to_have_count(0)


async def test_a_button_inside_an_attachment_reaches_the_app(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    blocks = [{"type": "actions", "elements": [button("Draft a fix", "alert.draft")]}]
    await bot.post(attachments=[{"color": "#e01e5a", "blocks": blocks}])

    await page.get_by_role("button", name="Draft a fix").click()

    await until(lambda: bot.presses("alert.draft"))


async def test_a_choice_from_a_menu_reaches_the_app(tabs: Tabs, bot: Bot) -> None:
    options = [{"text": plain(name), "value": name} for name in ("prod/eu-1", "prod/us-1")]
    menu = {"type": "static_select", "action_id": "pick.place", "options": options}
    page = await tabs.open(ANN)
    await bot.post({"type": "section", "text": mrkdwn("Which checkout?"), "accessory": menu})

    await page.locator("[data-action='pick.place']").click()
    await page.get_by_label("Search options").fill("us")
    await page.get_by_role("option", name="prod/us-1").click()

    await until(lambda: bot.presses("pick.place"))
    assert bot.presses("pick.place")[0]["selected_option"] == options[1]
    await expect(page.locator("[data-action='pick.place']")).to_have_text("prod/us-1")


async def test_a_menu_can_ask_the_app_for_its_options(tabs: Tabs, bot: Bot) -> None:
    def answer(payload: Json) -> Json:
        if payload.get("type") != "block_suggestion":
            return {}
        return {"options": [{"text": plain(f"{payload['value']}-api"), "value": "api"}]}

    bot.answer = answer
    menu = {"type": "external_select", "action_id": "pick.service", "min_query_length": 2}
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [menu]})

    await page.locator("[data-action='pick.service']").click()
    await page.get_by_label("Search options").fill("shop")
    await page.get_by_role("option", name="shop-api").click()

    await until(lambda: bot.presses("pick.service"))
    assert bot.presses("pick.service")[0]["selected_option"]["value"] == "api"


async def test_a_modal_shows_field_errors_and_closes_when_accepted(tabs: Tabs, bot: Bot) -> None:
    def answer(payload: Json) -> Json:
        if payload.get("type") != "view_submission":
            return {}
        value = payload["view"]["state"]["values"]["pool"]["size"]["value"]
        if value == "20":
            return {}
        return {"response_action": "errors", "errors": {"pool": "Must be between 1 and 100."}}

    bot.answer = answer
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Edit", "plan.edit")]})
    await page.get_by_role("button", name="Edit", exact=True).click()
    await until(lambda: bot.presses("plan.edit"))
    await bot.web.views_open(trigger_id=bot.heard[-1]["trigger_id"], view=EDIT)

    modal = page.locator("dialog.modal")
    await modal.get_by_label("Pool size").fill("900")
    await modal.get_by_role("button", name="Save").click()
    await expect(modal.locator(".field-error").first).to_have_text("Must be between 1 and 100.")
    await expect(modal.get_by_label("Pool size")).to_have_value("900")
    await modal.get_by_label("Pool size").fill("20")
    await modal.get_by_role("button", name="Save").click()

    await expect(modal).to_have_count(0)


async def test_modals_stack_and_escape_goes_back_one(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    await bot.post({"type": "actions", "elements": [button("Edit", "plan.edit")]})
    await page.get_by_role("button", name="Edit", exact=True).click()
    await until(lambda: bot.presses("plan.edit"))
    await bot.web.views_open(trigger_id=bot.heard[-1]["trigger_id"], view=EDIT)
    modal = page.locator("dialog.modal")
    await modal.get_by_role("button", name="Pick a reason").click()
    await until(lambda: bot.presses("reason.pick"))

    second = {"type": "modal", "title": plain("Second"), "blocks": [SAID]}
    await bot.web.views_push(trigger_id=bot.heard[-1]["trigger_id"], view=second)
    await expect(modal.get_by_role("heading", name="Second")).to_be_visible()
    await page.keyboard.press("Escape")

    await expect(modal.get_by_role("heading", name="Edit the plan")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(modal).to_have_count(0)


async def test_the_app_home_is_published_when_it_is_opened(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    view = {"type": "home", "blocks": [SAID, {"type": "actions", "elements": [button("Go", "go")]}]}

    await page.locator(".channel", has_text="carapulse").click()
    await page.get_by_role("tab", name="Home").click()
    await until(lambda: [one for one in bot.events("app_home_opened") if one["tab"] == "home"])
    await bot.web.views_publish(user_id=ANN, view=view)
    await page.get_by_role("button", name="Go").click()

    await expect(page.locator(".home")).to_contain_text("Nothing waits for you.")
    await until(lambda: bot.presses("go"))


async def test_a_message_shortcut_names_the_message(tabs: Tabs, bot: Bot) -> None:
    page = await tabs.open(ANN)
    ts = await bot.post(text="disk is full")

    await page.locator(".message").hover()
    await page.get_by_role("button", name="More actions").click()
    await page.get_by_role("menuitem", name="Draft a plan").click()

    await until(lambda: [one for one in bot.heard if one.get("type") == "message_action"])
    action = next(one for one in bot.heard if one.get("type") == "message_action")
    assert (action["callback_id"], action["message_ts"]) == ("plan_from_message", ts)

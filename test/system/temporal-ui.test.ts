/**
 * What a person does in the Temporal UI, in a real browser: start, look, approve, see the result.
 * With SCREENSHOTS=DIRECTORY the pictures of the documentation are taken anew.
 */
import { join } from 'node:path';
import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { IacClient } from '../../src/client/index.js';
import { loadConfig } from '../../src/config.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';

const MODULE = `
variable "name" { type = string }
variable "token" {
  type      = string
  sensitive = true
}
resource "terraform_data" "network" { input = var.name }
resource "terraform_data" "database" {
  input            = { network = terraform_data.network.output, token = var.token }
  triggers_replace = var.name
}
output "name" { value = terraform_data.network.output }
`;
const TOKEN = 'shown-horse-battery-staple';
const { SCREENSHOTS } = process.env;

let system: LocalSystem;
let client: IacClient;
let browser: Browser;
let page: Page;
let image: string;

beforeAll(async () => {
  const { browser: executablePath } = await prepareLocalSystem({
    need: ['browser'],
    ...setupSettings(loadConfig(process.env)),
    signal: new AbortController().signal,
    report: () => undefined,
  });
  system = await createLocalSystem({
    env: {
      CLDCTL_HTTP_ADDRESS: `127.0.0.1:${await freePort()}`,
      CLDCTL_SECRETS_ENV: 'TOKEN',
      TOKEN,
    },
  });
  client = await IacClient.connect({
    connectionOptions: { address: system.address },
    uiUrl: system.uiUrl,
  });
  image = await tofuModule(system.engine, MODULE);
  await system.startWorker();
  // A machine of tests is often its super-user, whom the browser's sandbox refuses.
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] });
  page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  page.setDefaultTimeout(60_000);
  // Chromium drops every request when an interface comes or goes (ERR_NETWORK_CHANGED), as with each container of other tests.
  await page.route('**/*', async (route) => {
    const response = await route.fetch().catch(() => undefined);
    await (response === undefined ? route.abort() : route.fulfill({ response })).catch(
      () => undefined,
    );
  });
}, 900_000);
afterAll(async () => {
  await browser.close();
  await client.close();
  await system.close();
});

async function picture(name: string): Promise<void> {
  if (SCREENSHOTS !== undefined) await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) });
}

function operation(stackId: string) {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { name: 'shop', token: { $secret: 'TOKEN' } },
    requestedBy: 'ada@example.com',
  };
}

/** By the keyboard: the editor above may still move the button away from a pointer. Returns when the server has it. */
async function press(button: Locator): Promise<void> {
  const sent = page.waitForResponse((response) => response.request().method() === 'POST');
  await button.press('Enter');
  await sent;
}

/** Fills the form and starts; the address names what the documentation names. */
async function start(stackId: string, input: object): Promise<void> {
  const form = new URL('/namespaces/default/workflows/start-workflow', system.uiUrl);
  form.searchParams.set('taskQueue', 'iac');
  form.searchParams.set('workflowType', 'stackOperation');
  form.searchParams.set('workflowId', `stack:${stackId}`);
  await page.goto(form.href);
  await page.getByText('Task Queue is Active').waitFor();
  await page
    .locator('.cm-content')
    .first()
    .fill(JSON.stringify(input, null, 2));
  await picture('ui-start');
  await press(page.getByRole('button', { name: 'Start Workflow' }));
}

/** The current details: a frame of its own in the page. */
const details = () => page.frameLocator('iframe[title="output"]');

async function openUpdate(): Promise<Locator> {
  await page.getByRole('button', { name: 'More Actions' }).click();
  await page.getByRole('menuitem', { name: 'Send an Update' }).click();
  const dialog = page.getByRole('dialog').filter({ visible: true });
  await dialog.locator('button[aria-controls="update-select-select"]').click();
  await dialog.getByRole('option').filter({ hasText: 'decide' }).click();
  return dialog;
}

async function answer(dialog: Locator, decision: object): Promise<void> {
  await dialog
    .locator('.cm-content[contenteditable="true"]')
    .fill(JSON.stringify(decision, null, 2));
  await press(dialog.getByRole('button', { name: 'Submit' }));
}

test('started by pasted JSON, read, refused, approved and seen to its end', async () => {
  const stackId = uniqueStack('shop');
  await start(stackId, operation(stackId));
  await expect
    .poll(() => client.state(stackId).then(({ phase }) => phase, String), { timeout: 60_000 })
    .toBe('awaiting-approval');
  const { uiUrl = '' } = await client.describe(stackId);
  const { planDigest = '' } = await client.state(stackId);
  const short = planDigest.replace('sha256:', '').slice(0, 16);

  // The link that we print opens the tab with the plan.
  await page.goto(uiUrl);
  await details().getByText('awaiting-approval').waitFor();
  await picture('ui-waiting');
  const shown = await details().locator('body').innerText();
  expect(shown).toContain('2 create, 1 output');
  expect(shown).toMatch(/until \d{4}-\d\d-\d\d \d\d:\d\d UTC/);
  expect(shown).toContain('asked by ada@example.com');
  for (const change of ['terraform_data.network', 'terraform_data.database']) {
    expect(shown).toContain(`+ ${change}`);
  }
  for (const link of ['the whole plan', 'the log']) {
    const anchor = details().getByRole('link', { name: link });
    expect(await isInFrame(anchor), `${link} is seen`).toBe(true);
    const opened = await fetch((await anchor.getAttribute('href')) ?? '');
    expect(opened.status).toBe(200);
    expect(await opened.text()).not.toContain(TOKEN);
  }
  expect(await isInFrame(details().locator('pre').first()), 'what is pasted is seen').toBe(true);
  const [, pasted = ''] = /(\{\s*"decision"[^}]*\})/.exec(shown) ?? [];
  expect(JSON.parse(pasted)).toEqual({ decision: 'approve', planDigest: short, by: 'YOUR NAME' });

  const dialog = await openUpdate();
  await answer(dialog, { decision: 'approve', planDigest: '0000000000000000', by: 'ada' });
  await dialog
    .getByText(/the plan under review is/)
    .first()
    .waitFor();
  await picture('ui-refused');
  await answer(dialog, { decision: 'approve', planDigest: short, by: 'ada', comment: 'x', who: 1 });
  await dialog
    .getByText(/Unrecognized key: \\?"who/)
    .first()
    .waitFor();
  await answer(dialog, { ...(JSON.parse(pasted) as object), by: 'ada' });
  await dialog.waitFor({ state: 'hidden' });
  expect(await client.result(stackId)).toMatchObject({
    outcome: 'succeeded',
    decisions: [{ decision: 'approve', by: 'ada' }],
  });

  await page.goto(uiUrl.replace('/user-metadata', '/history'));
  await page.getByText('Completed').first().waitFor();
  for (const row of [`preview apply ${stackId}`, `apply ${stackId} ${short}`])
    await page.getByText(row).first().waitFor();
  await page.getByText('"outcome"').first().waitFor();
  await picture('ui-done');
  await page.goto(uiUrl);
  await details().getByText('receipt: 2 done').waitFor();
  await picture('ui-receipt');
  expect(await page.content()).not.toContain(TOKEN);
}, 180_000);

test('a second answer is refused with the reason', async () => {
  const stackId = uniqueStack('twice');
  await start(stackId, { ...operation(stackId), approval: { mode: 'required', expiresIn: '1h' } });
  await expect
    .poll(() => client.state(stackId).then(({ phase }) => phase, String), { timeout: 60_000 })
    .toBe('awaiting-approval');
  const { planDigest = '' } = await client.state(stackId);
  const { uiUrl = '' } = await client.describe(stackId);
  await page.goto(uiUrl);
  const dialog = await openUpdate();
  await client.reject(stackId, { planDigest, by: 'bob' });
  await answer(dialog, { decision: 'approve', planDigest: planDigest.slice(7, 23), by: 'ada' });
  await dialog
    .getByText(/already answered|already completed|not found/)
    .first()
    .waitFor();
  expect((await client.result(stackId)).outcome).toBe('rejected');
}, 180_000);

test('a mistake ends the run within two seconds, with every issue in its first line', async () => {
  const stackId = uniqueStack('mistaken');
  await start(stackId, { ...operation(stackId), operation: 'aply', input: {} });
  await expect
    .poll(() => client.describe(stackId).then(({ status }) => status, String))
    .toBe('failed');
  const { startedAt, endedAt, uiUrl = '' } = await client.describe(stackId);
  expect((endedAt?.getTime() ?? Infinity) - startedAt.getTime()).toBeLessThan(2_000);
  await page.goto(uiUrl.replace('/user-metadata', '/history'));
  const message = page.getByText(/"message":/).first();
  await message.waitFor();
  const text = (await page.locator('body').innerText()).replace(/\s+/g, ' ');
  expect(text).toMatch(
    /"message": "input: operation: Invalid option.*Unrecognized key: \\"input\\"/,
  );
  await picture('ui-mistake');
});

test('a link shows all that waits for somebody, and only that', async () => {
  const waiting = uniqueStack('waits');
  await client.startAndWaitPlan(operation(waiting) as never);
  const list = new URL('/namespaces/default/workflows', system.uiUrl);
  list.searchParams.set('query', '`IacPhase`="awaiting-approval"');
  await expect
    .poll(
      async () => {
        await page.goto(list.href);
        await page.getByRole('table').waitFor();
        return page.getByRole('link', { name: /^stack:/ }).allInnerTexts();
      },
      { timeout: 30_000 },
    )
    .toEqual([`stack:${waiting}`]);
  await picture('ui-list');
  await client.cancel(waiting);
});

/** True when all of it is inside the frame's window, which does not scroll. */
function isInFrame(element: Locator): Promise<boolean> {
  return element
    .first()
    .evaluate(
      (node) =>
        node.getBoundingClientRect().bottom <= node.ownerDocument.documentElement.clientHeight,
    );
}

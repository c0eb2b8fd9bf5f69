import { DeviceError } from "@starling/trainer-core/device/errors";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { whenAdapterIsBack } from "./whenAdapterIsBack.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const gone = () => Promise.reject(new DeviceError("no-adapter", "none"));
const { signal } = new AbortController();

test("an adapter that is away for a moment is waited for, one that stays away is not", async () => {
  const back = vi.fn<() => Promise<string>>().mockImplementationOnce(gone).mockResolvedValue("engine");
  const made = whenAdapterIsBack(back, signal);
  await vi.runAllTimersAsync();
  expect(await made).toBe("engine");

  const away = vi.fn(gone);
  const failed = expect(whenAdapterIsBack(away, signal)).rejects.toMatchObject({ code: "no-adapter" });
  await vi.runAllTimersAsync();
  await failed;
  expect(away.mock.calls.length).toBeGreaterThan(1);
});

test("what waiting does not mend is said at once", async () => {
  const broken = vi.fn(() => Promise.reject(new DeviceError("wgsl", "no such kernel")));
  await expect(whenAdapterIsBack(broken, signal)).rejects.toMatchObject({ code: "wgsl" });
  expect(broken).toHaveBeenCalledTimes(1);
});

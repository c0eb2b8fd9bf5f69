export type DeviceErrorCode = "no-adapter" | "no-device" | "wgsl" | "validation" | "device-lost" | "too-large" | "out-of-memory";

/** Something the GPU, its driver or a shader did. The message says what was asked and what came back. */
export class DeviceError extends Error {
  readonly code: DeviceErrorCode;
  constructor(code: DeviceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "DeviceError";
    this.code = code;
  }
}

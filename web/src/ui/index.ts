/** The page's component kit. `#/kit` shows every one in every state. */
export { Button, LinkButton, Spinner, type ButtonProps, type ButtonVariant, type LinkButtonProps } from "./button.tsx";
export { Card, EmptyState, Figure, Skeleton, Stat, type CardProps, type EmptyStateProps, type StatProps } from "./card.tsx";
export { classes } from "./classes.ts";
export { Slider, Switch, Tabs, Tooltip, type SliderProps, type SwitchProps, type TabsProps, type TooltipProps } from "./controls.tsx";
export { Dialog, type DialogProps } from "./dialog.tsx";
export { Alert, Badge, ProgressBar, type AlertProps, type BadgeProps, type ProgressBarProps, type Tone } from "./feedback.tsx";
export {
  Checkbox,
  Field,
  NumberInput,
  Select,
  TextArea,
  TextInput,
  type CheckboxProps,
  type FieldProps,
  type SelectOption,
  type SelectProps,
  type TextInputProps,
} from "./field.tsx";
export * from "./icons.tsx";
export { Table, type Column, type Sort, type TableProps } from "./table.tsx";
export { AddressText, CopyText, Duration, RelativeTime, useNowMs, type AddressTextProps, type CopyTextProps } from "./text.tsx";
export { showToast, Toasts, type Toast } from "./toast.tsx";
export { TransactionText, type TransactionTextProps } from "./transaction.tsx";

// The events that trigger this function.
export interface UserSignedUp {
  name: "user/signed.up";
  data: { id: string };
  user?: { external_id?: string };
}

export type EventTriggers = UserSignedUp;

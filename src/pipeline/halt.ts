/** Why a partition does not go on until a person has decided. */
export interface Halt {
  readonly kind: 'lost_offsets' | 'dead_letter_limit';
  readonly why: string;
}

/** An error as the API answers it: a status, a message whose first line is the reason phrase, and errors for each parameter. */
export class ApiError extends Error {
  readonly status: number;
  readonly errors: Readonly<Record<string, string>> | undefined;

  constructor(status: number, message: string, errors?: Readonly<Record<string, string>>) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.errors = errors;
  }
}

/** What a Perl `die` in a handler becomes: 500 with its text. */
export const died = (message: string): ApiError => new ApiError(500, message);

/** `raise_param_exc`: 400 with a text for each parameter. */
export const badParams = (errors: Readonly<Record<string, string>>): ApiError =>
  new ApiError(400, 'Parameter verification failed.', errors);

/** `raise_perm_exc`: 403; without `what` when several alternatives were tried. */
export const forbidden = (what?: string): ApiError =>
  new ApiError(403, what === undefined ? 'Permission check failed' : `Permission check failed (${what})`);

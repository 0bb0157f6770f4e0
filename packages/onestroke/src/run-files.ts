/** Names of the files in a model folder and in the folder of its run. */

/** What a model is. */
export const CONFIG_FILE = 'config.json'
export const WEIGHTS_FILE = 'model.safetensors'
/** The autoencoder of a model that works in latents: a folder with a config and weights of its own. */
export const AUTOENCODER_FOLDER = 'autoencoder'

/** What a run was asked to do. */
export const PLAN_FILE = 'run.json'
export const STATE_FILE = 'state.safetensors'
/** The state before the last one, in case the last one turns out to be unusable. */
export const PREVIOUS_STATE_FILE = 'state.previous.safetensors'
/** A copy of the counters and the log that stays when the run is done: for reports, and to look at. */
export const PROGRESS_FILE = 'progress.json'
/** The lock: which process works on the run. */
export const LOCK_FILE = '.lock'
/** A grid of samples from the current weights. */
export const SAMPLES_FILE = 'samples.png'
/** The grids on the way, named by the pictures seen. */
export const SAMPLES_FOLDER = 'samples'
/** The report as a page, and as data. */
export const REPORT_FILE = 'report.html'
export const REPORT_DATA_FILE = 'report.json'

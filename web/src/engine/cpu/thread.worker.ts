/** A thread of the engine. */

import { serveThread } from "./threads";

serveThread();

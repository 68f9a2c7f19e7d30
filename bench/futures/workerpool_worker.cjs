/** A worker of workerpool, which has one small task. */
require("workerpool").worker({ echo: (value) => value });

// Every rule that is asked, in the order its findings are given.
import { bashInSh } from './bashInSh.ts';
import { cdBehindWrapper } from './cdBehindWrapper.ts';
import { cdSemicolon } from './cdSemicolon.ts';
import { chrootedShell } from './chrootedShell.ts';
import { endlessWorker } from './endlessWorker.ts';
import { cronDirectoryBackup, cronDirectoryName, fileLinks, fileMode, fileOwner } from './file.ts';
import { hoursWithoutMinutes } from './hoursWithoutMinutes.ts';
import { httpTask } from './httpTask.ts';
import {
  firstLine,
  interpreterKind,
  interpreterMissing,
  interpreterVersion,
  nameLeftToLogin,
  noInterpreter,
  panelJob,
  relativeInterpreter,
} from './interpreter.ts';
import { noWorker, opaque } from './leftAlone.ts';
import {
  entryLock,
  guardLost,
  neverEnds,
  noLock,
  noOnce,
  onceIsOneJob,
  overlap,
  ownLock,
  pilingUp,
  scheduler,
} from './lock.ts';
import { neverFires } from './neverFires.ts';
import { background, logDirectoryMissing, logNull, logUnderDocroot, noLog } from './output.ts';
import { percent } from './percent.ts';
import { pgrepMatchesItself } from './pgrepMatchesItself.ts';
import { programMissing } from './programMissing.ts';
import { redirectOrder } from './redirectOrder.ts';
import type { EntryRule, FileRule, JobRule } from './rule.ts';
import { rootRunsForeignScript, scriptMissing, scriptUnreadable } from './script.ts';
import { secretInCommand } from './secretInCommand.ts';
import { secretInSetting } from './setting.ts';
import { shellSyntax } from './shellSyntax.ts';
import { undefinedVariable } from './undefinedVariable.ts';
import { unknownUser } from './unknownUser.ts';
import { urlAmpersand } from './urlAmpersand.ts';
import { noHome, otherUsersJob } from './whose.ts';

export const fileRules: readonly FileRule[] = [
  cronDirectoryName,
  cronDirectoryBackup,
  fileMode,
  fileOwner,
  fileLinks,
  secretInSetting,
];

export const entryRules: readonly EntryRule[] = [
  neverFires,
  hoursWithoutMinutes,
  unknownUser,
  chrootedShell,
  percent,
  shellSyntax,
  bashInSh,
  undefinedVariable,
  cdSemicolon,
  cdBehindWrapper,
  redirectOrder,
  pgrepMatchesItself,
  urlAmpersand,
  secretInCommand,
  programMissing,
  endlessWorker,
  httpTask,
  noWorker,
  opaque,
];

export const jobRules: readonly JobRule[] = [
  scriptMissing,
  scriptUnreadable,
  interpreterMissing,
  otherUsersJob,
  interpreterKind,
  relativeInterpreter,
  noInterpreter,
  firstLine,
  nameLeftToLogin,
  interpreterVersion,
  panelJob,
  rootRunsForeignScript,
  noLock,
  entryLock,
  scheduler,
  ownLock,
  guardLost,
  pilingUp,
  overlap,
  noOnce,
  neverEnds,
  onceIsOneJob,
  noLog,
  logNull,
  logUnderDocroot,
  logDirectoryMissing,
  background,
  noHome,
];

#!/usr/bin/env php
<?php
declare(strict_types=1);
namespace Acme;
use DateTimeImmutable as D;
echo (new D("@0"))->format("Y"), "\n";

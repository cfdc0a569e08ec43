<?php
namespace App\Console\Jobs;

echo __NAMESPACE__;

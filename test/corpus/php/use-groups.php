<?php
namespace App;
use App\Models\{User, Job as Task};
use function App\f\{a, b};
echo User::class, Task::class;
